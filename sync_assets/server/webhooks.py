"""Webhooks: whatever another program reports goes into the inbox, and only then is it answered."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from sync_assets.ledger.inbox import Delivery
from sync_assets.ledger.tokens import Scope
from sync_assets.server.context import context_of
from sync_assets.server.errors import ErrorAnswer, SlowRequestError
from sync_assets.server.payloads import event_id_of, parse_object
from sync_assets.server.security import RequireScope

BODY_TIMEOUT_SECONDS = 20.0

router = APIRouter(prefix="/api/v1/webhook", tags=["webhooks"])

_ANY_OBJECT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "Any JSON object; it is stored as it is.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


class Receipt(BaseModel):
    """The event is on disk."""

    id: str = Field(description="The event's id: the sender's, or a generated one.")
    duplicate: bool = Field(description="Whether it was on disk before.")


async def read_body(request: Request) -> bytes:
    """Read a body, for so long as a healthy sender needs.

    Args:
        request: The request; the size of its body is bounded by middleware.

    Returns:
        The whole body.

    Raises:
        SlowRequestError: It did not arrive in time.
    """
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            return await request.body()
    except TimeoutError:
        raise SlowRequestError(
            f"The body did not arrive within {BODY_TIMEOUT_SECONDS:.0f} s.",
            remedy="Send it again over a better connection.",
            headers={"Connection": "close"},
        ) from None


@router.post(
    "/generic",
    dependencies=[Depends(RequireScope(Scope.INGEST))],
    response_model=Receipt,
    responses={status: {"model": ErrorAnswer} for status in (400, 401, 403, 408, 413, 422, 503)},
    openapi_extra=_ANY_OBJECT,
)
async def generic(
    request: Request,
    source: Annotated[
        str | None,
        Query(pattern=r"^[a-z0-9_-]{1,64}$", description="Stored as generic:SOURCE."),
    ] = None,
    idempotency_key: Annotated[
        str | None, Header(description="The event's id; goes before the body's event_id and id.")
    ] = None,
) -> JSONResponse:
    """Store an event of any kind; the answer 200 means that it is on disk.

    Sending an event with the same id again stores it once. Without an id every delivery is an
    event of its own.
    """
    body = await read_body(request)
    payload = parse_object(body)
    event_id = event_id_of(payload, idempotency_key)
    name = "generic" if source is None else f"generic:{source}"
    is_new = await context_of(request).inbox.store(
        Delivery(name, event_id, payload), size=len(body)
    )
    context_of(request).launcher.notify(name)
    # A finished response spares FastAPI's validation of what was made here.
    return JSONResponse({"id": event_id, "duplicate": not is_new})
