"""What a run of the relay did, for Dagster's metadata and for `/health`."""

from typing import Any

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.results import Result, ResultStatus
from sync_assets.ops.health import report_result
from sync_assets.relay.counting import count_all
from sync_assets.relay.report import RelayReport
from sync_assets.settings import Settings

DOMAIN = "relay"


class Reporter:
    """Keeps the domain's result.

    Args:
        settings: The whole configuration.
        ledger: The ledger.
        run_id: The Dagster run; None from a command line.
    """

    def __init__(self, settings: Settings, ledger: Ledger, *, run_id: str | None) -> None:
        self._settings = settings
        self._ledger = ledger
        self._run_id = run_id

    def succeeded(self, report: RelayReport) -> dict[str, Any]:
        """Report what a run did.

        Args:
            report: What it did.

        Returns:
            Its numbers.
        """
        with self._ledger.read() as connection:
            metrics = count_all(connection)
        troubles = ("relay_failed", "relay_disk_full", "relay_uploads_failed")
        troubled = bool(report.problems or any(metrics[name] for name in troubles))
        self._record(
            ResultStatus.DEGRADED if troubled else ResultStatus.OK,
            report,
            {"metrics": metrics, "problems": report.problems},
        )
        return {
            "added": report.intake.added,
            "completed": report.downloads.completed,
            "failed": report.downloads.failed,
            "retried": report.downloads.retried,
            "bytes": report.downloads.received_bytes,
            "uploaded": report.uploads.completed,
            "uploads_failed": report.uploads.failed,
            "uploads_retried": report.uploads.retried,
            "uploaded_bytes": report.uploads.sent_bytes,
            "cleaned": report.uploads.cleaned,
            "replies": report.replies,
        }

    def failed(self, error: Exception) -> None:
        """Report that a run could not do its work.

        Args:
            error: Why.
        """
        with self._ledger.read() as connection:
            metrics = count_all(connection)
        text = str(error) if isinstance(error, SyncError) else type(error).__name__
        self._record(ResultStatus.FAILED, RelayReport(), {"metrics": metrics, "error": text})

    def _record(self, status: ResultStatus, report: RelayReport, detail: dict[str, Any]) -> None:
        result = Result(
            domain=DOMAIN,
            partition="",
            status=status,
            added=report.downloads.completed,
            skipped=report.intake.known,
            failed=report.downloads.failed + report.uploads.failed,
            run_id=self._run_id,
            detail=detail,
        )
        report_result(self._ledger, self._settings, result)
