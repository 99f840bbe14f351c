"""What the last round of each account did, kept in the ledger for `/health` and `/metrics`."""

from collections.abc import Mapping
from typing import Any

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.results import Result, ResultStatus, read_results
from sync_assets.ops.health import report_result
from sync_assets.pixiv.models import DOMAIN, StageResult
from sync_assets.settings import Settings

FIRST_STAGE = "bookmarks"
FILES_STAGE = "files"
_SEVERITY = (ResultStatus.OK, ResultStatus.DEGRADED, ResultStatus.FAILED)


class Reporter:
    """Keeps an account's result: the worst of its stages, and their numbers.

    A round begins anew with its first stage; a later one replaces only what it said itself.

    Args:
        settings: The configuration.
        ledger: The ledger.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger

    def succeeded(
        self, run_id: str, account: str, stage: str, result: StageResult, seconds: float
    ) -> None:
        """Report what a stage did.

        Args:
            run_id: The Dagster run.
            account: The account.
            stage: The stage's name.
            result: What it did.
            seconds: How long it took.
        """
        is_whole = not result.failures and not result.warnings
        report = {
            "status": ResultStatus.OK if is_whole else ResultStatus.DEGRADED,
            **result.numbers,
            "failed": len(result.failures),
            "seconds": round(seconds, 3),
        }
        if result.warnings:
            report["warnings"] = list(result.warnings)
        self._report(run_id, account, stage, report)

    def failed(self, run_id: str, account: str, stage: str, error: Exception) -> None:
        """Report that a stage could not do its work."""
        text = str(error) if isinstance(error, SyncError) else type(error).__name__
        self._report(run_id, account, stage, {"status": ResultStatus.FAILED, "error": text})

    def _report(self, run_id: str, account: str, stage: str, report: Mapping[str, Any]) -> None:
        stages = {} if stage == FIRST_STAGE else dict(self._last_stages(account))
        stages[stage] = dict(report)
        files = stages.get(FILES_STAGE, {})
        report_result(
            self._ledger,
            self._settings,
            Result(
                domain=DOMAIN,
                partition=account,
                status=max(
                    (ResultStatus(each["status"]) for each in stages.values()), key=_SEVERITY.index
                ),
                added=int(files.get("added", 0)),
                skipped=int(files.get("skipped", 0)),
                failed=sum(int(each.get("failed", 0)) for each in stages.values()),
                run_id=run_id,
                detail={"stages": stages},
            ),
        )

    def _last_stages(self, account: str) -> Mapping[str, Mapping[str, Any]]:
        with self._ledger.read() as connection:
            results = read_results(connection)
        last = [each for each in results if (each.domain, each.partition) == (DOMAIN, account)]
        return last[0].detail.get("stages", {}) if last else {}
