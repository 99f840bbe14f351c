"""What the last refresh did, kept in the ledger for `/health`."""

from typing import TYPE_CHECKING

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.results import Result, ResultStatus
from sync_assets.ops.health import report_result
from sync_assets.settings import Settings

if TYPE_CHECKING:
    from sync_assets.catalog.refreshing import RefreshResult

DOMAIN = "catalog"
PARTITION = "anime"


def report_refresh(
    ledger: Ledger, settings: Settings, run_id: str, result: "RefreshResult"
) -> None:
    """Report a refresh that wrote an index.

    Args:
        ledger: The ledger.
        settings: The configuration.
        run_id: The Dagster run.
        result: What it did.
    """
    problems = {each.name: each.problem for each in result.problems}
    report_result(
        ledger,
        settings,
        Result(
            domain=DOMAIN,
            partition=PARTITION,
            status=ResultStatus.DEGRADED if problems else ResultStatus.OK,
            added=sum(each.changed for each in result.sources),
            skipped=sum(not each.changed for each in result.sources) - len(problems),
            failed=len(problems),
            run_id=run_id,
            detail={"problems": problems, "subjects": result.subjects},
        ),
    )


def report_failure(ledger: Ledger, settings: Settings, run_id: str, error: Exception) -> None:
    """Report a refresh that could not be done.

    Args:
        ledger: The ledger.
        settings: The configuration.
        run_id: The Dagster run.
        error: What it raised.
    """
    text = str(error) if isinstance(error, SyncError) else type(error).__name__
    report_result(
        ledger,
        settings,
        Result(
            domain=DOMAIN,
            partition=PARTITION,
            status=ResultStatus.FAILED,
            run_id=run_id,
            detail={"error": text},
        ),
    )
