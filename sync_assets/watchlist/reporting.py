"""What a run of the watchlist did, for Dagster's metadata and for `/health`."""

from typing import TYPE_CHECKING

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.results import Result, ResultStatus
from sync_assets.ops.health import report_result
from sync_assets.settings import Settings
from sync_assets.watchlist.counting import count_all

if TYPE_CHECKING:
    from sync_assets.watchlist.worker import RunReport

DOMAIN = "watchlist"


class Reporter:
    """Keeps the domain's result.

    Args:
        settings: The whole configuration.
        ledger: The ledger.
        run_id: The Dagster run; None from elsewhere.
    """

    def __init__(self, settings: Settings, ledger: Ledger, *, run_id: str | None) -> None:
        self._settings = settings
        self._ledger = ledger
        self._run_id = run_id

    def succeeded(self, report: "RunReport") -> None:
        """Report what a run did.

        Args:
            report: What it did.
        """
        metrics = self._metrics()
        is_troubled = bool(
            metrics["watchlist_broken"] or metrics["watchlist_failed"] or report.followed.problems
        )
        numbers = report.numbers
        self._record(
            Result(
                domain=DOMAIN,
                partition="",
                status=ResultStatus.DEGRADED if is_troubled else ResultStatus.OK,
                added=int(numbers["new"]),
                skipped=int(numbers["found"] - numbers["new"]),
                failed=int(numbers["broken"] + numbers["failed"]),
                run_id=self._run_id,
                detail={"metrics": metrics, "problems": report.followed.problems},
            )
        )

    def failed(self, error: Exception) -> None:
        """Report that a run could not do its work.

        Args:
            error: Why.
        """
        text = str(error) if isinstance(error, SyncError) else type(error).__name__
        self._record(
            Result(
                domain=DOMAIN,
                partition="",
                status=ResultStatus.FAILED,
                run_id=self._run_id,
                detail={"metrics": self._metrics(), "error": text},
            )
        )

    def _metrics(self) -> dict[str, int]:
        with self._ledger.read() as connection:
            return count_all(connection)

    def _record(self, result: Result) -> None:
        report_result(self._ledger, self._settings, result)
