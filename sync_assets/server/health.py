"""`/health`: whether the server and its ledger work, and how every domain's last work ended."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from sync_assets.ops.health import HealthReport, HealthStatus, failed_report, health_report
from sync_assets.server.context import context_of
from sync_assets.server.errors import LedgerBusyError

router = APIRouter(tags=["operations"])


@router.get("/health", response_model=HealthReport, responses={503: {"model": HealthReport}})
async def health(request: Request) -> JSONResponse:
    """Tell how everything is; 503 only where the ledger cannot be used.

    A domain's failure makes the status `degraded` and stays 200: restarting would not help it.
    """
    context = context_of(request)
    try:
        report = await context.reader.call(lambda: health_report(context.ledger, context.settings))
    except LedgerBusyError as error:
        report = failed_report(context.ledger, context.settings, error)
    status = 503 if report.status is HealthStatus.FAILED else 200
    return JSONResponse(report.model_dump(mode="json"), status, {"Cache-Control": "no-store"})
