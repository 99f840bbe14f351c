"""What the last work on each account did: its stages' results, kept in the ledger for `/health`."""

from collections.abc import Mapping
from typing import Any

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.results import Result, ResultStatus, read_results
from sync_assets.oauth.errors import NotConnectedError
from sync_assets.ops.health import report_result
from sync_assets.settings import Settings
from sync_assets.trakt.account import Outcome
from sync_assets.trakt.tables import DOMAIN

FIRST_STAGE = "changes"
_SEVERITY = (ResultStatus.OK, ResultStatus.DEGRADED, ResultStatus.FAILED)
_FAILURES_SHOWN = 20


class Reporter:
    """Keeps an account's result: the worst of its stages, and their numbers.

    The first stage of a run begins anew; a later one replaces only what the same stage reported.

    Args:
        settings: The configuration.
        ledger: The ledger.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger

    def succeeded(self, run_id: str | None, account: str, stage: str, outcome: Outcome) -> None:
        """Report what a stage did.

        Args:
            run_id: The Dagster run.
            account: The account.
            stage: The asset's name.
            outcome: What it did.
        """
        report = {
            "status": ResultStatus.DEGRADED if outcome.failures else ResultStatus.OK,
            "failed": len(outcome.failures),
            "failures": outcome.failures[:_FAILURES_SHOWN],
            **outcome.numbers,
        }
        self._report(run_id, account, stage, report)

    def failed(self, run_id: str | None, account: str, stage: str, error: Exception) -> None:
        """Report that a stage could not do its work.

        Args:
            run_id: The Dagster run; None where none was started.
            account: The account.
            stage: The asset's name.
            error: What it raised.
        """
        text = str(error) if isinstance(error, SyncError) else type(error).__name__
        report = {"status": ResultStatus.FAILED, "error": text}
        if isinstance(error, NotConnectedError):
            report["remedy"] = error.remedy
        self._report(run_id, account, stage, report)

    def last(self, account: str) -> Result | None:
        """Return the last result of an account."""
        with self._ledger.read() as connection:
            results = read_results(connection)
        found = [each for each in results if (each.domain, each.partition) == (DOMAIN, account)]
        return found[0] if found else None

    def _report(
        self, run_id: str | None, account: str, stage: str, report: Mapping[str, Any]
    ) -> None:
        last = None if stage == FIRST_STAGE else self.last(account)
        stages = {**(last.detail.get("stages", {}) if last else {}), stage: dict(report)}
        remedies = [each["remedy"] for each in stages.values() if "remedy" in each]
        detail = {"stages": stages, **({"remedy": remedies[0]} if remedies else {})}
        statuses = (ResultStatus(each["status"]) for each in stages.values())
        result = Result(
            domain=DOMAIN,
            partition=account,
            status=max(statuses, key=_SEVERITY.index),
            added=_total(stages, "added", "changed", "removed"),
            failed=_total(stages, "failed"),
            run_id=run_id,
            detail=detail,
        )
        report_result(self._ledger, self._settings, result)


def _total(stages: Mapping[str, Mapping[str, Any]], *names: str) -> int:
    return sum(stage.get(name, 0) for stage in stages.values() for name in names)
