"""What each Bangumi account last did: its stages' results, kept in the ledger for `/health`."""

from collections.abc import Mapping, Sequence
from typing import Any

from sync_assets.bangumi.account_run import StageResult
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.results import Result, ResultStatus, read_results
from sync_assets.oauth.errors import NotConnectedError
from sync_assets.ops.health import report_result
from sync_assets.ops.notifications import NotificationKind, notify
from sync_assets.settings import Settings

DOMAIN = "bangumi"
FIRST_STAGE = "custom"
_REVIEWS_TOLD = 10
_SEVERITY = (ResultStatus.OK, ResultStatus.DEGRADED, ResultStatus.FAILED)


class Reporter:
    """Keeps an account's result: the worst of its stages, and their numbers.

    Args:
        settings: The configuration.
        ledger: The ledger.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger

    def succeeded(self, run_id: str, account: str, stage: str, result: StageResult) -> None:
        """Report what a stage did.

        Args:
            run_id: The Dagster run.
            account: The account.
            stage: The stage's name.
            result: What it did.
        """
        is_degraded = result.failed > 0 or result.numbers.get("unknown", 0) > 0
        status = ResultStatus.DEGRADED if is_degraded else ResultStatus.OK
        report = {"status": status, "failed": result.failed, **result.numbers}
        self._report(run_id, account, stage, report)
        if result.new_reviews:
            self._tell_reviews(run_id, account, result.new_reviews)

    def failed(self, run_id: str, account: str, stage: str, error: Exception) -> None:
        """Report that a stage could not do its work.

        Args:
            run_id: The Dagster run.
            account: The account.
            stage: The stage's name.
            error: What it raised.
        """
        text = str(error) if isinstance(error, SyncError) else type(error).__name__
        report = {"status": ResultStatus.FAILED, "error": text}
        if isinstance(error, NotConnectedError):
            report["remedy"] = error.remedy
        self._report(run_id, account, stage, report)

    def _report(self, run_id: str, account: str, stage: str, report: Mapping[str, Any]) -> None:
        stages = {} if stage == FIRST_STAGE else dict(self._last_stages(account))
        stages[stage] = dict(report)
        remedies = [each["remedy"] for each in stages.values() if "remedy" in each]
        statuses = [ResultStatus(each["status"]) for each in stages.values()]
        report_result(
            self._ledger,
            self._settings,
            Result(
                domain=DOMAIN,
                partition=account,
                status=max(statuses, key=_SEVERITY.index),
                added=_number(stages, "reports", "marks"),
                skipped=_number(stages, "matches", "status_review"),
                failed=sum(each.get("failed", 0) for each in stages.values()),
                run_id=run_id,
                detail={"stages": stages, **({"remedy": remedies[0]} if remedies else {})},
            ),
        )

    def _tell_reviews(self, run_id: str, account: str, titles: Sequence[str]) -> None:
        shown = [f"* {title}" for title in titles[:_REVIEWS_TOLD]]
        hidden = len(titles) - len(shown)
        notify(
            self._ledger,
            NotificationKind.REVIEW,
            f"{DOMAIN}/{account}/{run_id}",
            f"{DOMAIN} {account}: {len(titles)} new to review",
            "\n".join([*shown, *([f"… and {hidden} more"] if hidden else [])]),
        )

    def _last_stages(self, account: str) -> Mapping[str, Mapping[str, Any]]:
        with self._ledger.read() as connection:
            results = read_results(connection)
        last = [each for each in results if (each.domain, each.partition) == (DOMAIN, account)]
        return last[0].detail.get("stages", {}) if last else {}


def _number(stages: Mapping[str, Mapping[str, Any]], stage: str, name: str) -> int:
    return stages.get(stage, {}).get(name, 0)
