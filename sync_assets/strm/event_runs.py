"""Run the storage events of the inbox: glue between Dagster and `draining`.

A job's last result stays that of its full run; what events did is beside it, and can make it
worse, never better: a library that could not be scanned is not well because one file was added.
"""

import time
from collections import Counter
from datetime import datetime
from typing import Any

import dagster as dg

from sync_assets.errors import SyncError
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.ledger.results import Result, ResultStatus
from sync_assets.ledger.types import utc_now
from sync_assets.logs import stage
from sync_assets.ops.health import report_result
from sync_assets.settings import Settings
from sync_assets.strm.draining import Drain, Drained, JobOutcome
from sync_assets.strm.models import ItemFailure
from sync_assets.strm.runs import (
    DOMAIN,
    LEASE_WAIT_SECONDS,
    failure_table,
    last_result,
    require_jobs,
)
from sync_assets.strm.waiting import LEASE_NAME

CHANGES_SHOWN = 50
_WORST_FIRST = (ResultStatus.FAILED, ResultStatus.DEGRADED, ResultStatus.OK)
_REMEDY = "The next full scan finds what is true there; see the event in the inbox."


class EventRun:
    """One run of the asset `changes`.

    Args:
        settings: The whole configuration.
        ledger: The ledger.
        lake: The lake.
    """

    def __init__(self, settings: Settings, ledger: Ledger, lake: Lake) -> None:
        self._settings = settings
        self._ledger = ledger
        self._lake = lake

    def run(self, context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Deal with all events that wait.

        Args:
            context: The asset's context.

        Returns:
            The asset's result, with its numbers.

        Raises:
            dagster.Failure: No job is configured, or one could not be looked at.
        """
        require_jobs(self._settings)
        try:
            drained, seconds = self._drain(context)
        except SyncError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        errors = {name: each.error for name, each in drained.jobs.items() if each.error}
        if errors:
            lines = "\n\n".join(f"{name}: {error}" for name, error in errors.items())
            raise dg.Failure(
                description=f"{len(errors)} STRM job(s) could not follow their events, which wait "
                f"and are tried again.\n\n{lines}",
                metadata=_metadata(drained, seconds),
                allow_retries=False,
            )
        return dg.MaterializeResult(metadata=_metadata(drained, seconds))

    def _drain(self, context: dg.AssetExecutionContext) -> tuple[Drained, float]:
        run_id = context.run.run_id
        with hold_lease(
            self._ledger,
            LEASE_NAME,
            purpose=f"STRM events of run {run_id}",
            wait_seconds=LEASE_WAIT_SECONDS,
        ) as lease:
            started_at = time.monotonic()
            with stage(context, context.asset_key.to_user_string()) as logged:
                drained = Drain(
                    self._settings.strm, self._ledger, self._lake, lease=lease, run_id=run_id
                ).run()
                logged.update(_counts(drained))
            seconds = time.monotonic() - started_at
            for name, outcome in drained.jobs.items():
                self._report(run_id, name, outcome)
        return drained, seconds

    def _report(self, run_id: str, name: str, outcome: JobOutcome) -> None:
        numbers = _numbers(outcome)
        failures = sum(len(result.failures) for result in outcome.results)
        now = utc_now()
        status = ResultStatus.OK
        if outcome.error is not None:
            status = ResultStatus.FAILED
        elif failures or numbers.get("waiting"):
            status = ResultStatus.DEGRADED
        events: dict[str, Any] = {
            **numbers,
            "status": status.value,
            "run_id": run_id,
            "finished_at": now.isoformat(),
            "failed_items": failures,
            "changes": outcome.changes[:CHANGES_SHOWN],
        }
        if outcome.error is not None:
            events["error"] = str(outcome.error)
        earlier = last_result(self._ledger, name)
        result = _beside(earlier, name, status, events, now)
        report_result(self._ledger, self._settings, result)


def _beside(
    earlier: Result | None, name: str, status: ResultStatus, events: dict[str, Any], now: datetime
) -> Result:
    """Return the job's result with what events did, and with the full run's own numbers."""
    if earlier is None:
        return Result(DOMAIN, name, status, finished_at=now, detail={"events": events})
    detail = {**earlier.detail, "events": events}
    alone = ResultStatus.OK
    if "error" in detail:
        alone = ResultStatus.FAILED
    elif detail.get("failed_items"):
        alone = ResultStatus.DEGRADED
    worst = next(each for each in _WORST_FIRST if each in (alone, status))
    return Result(
        DOMAIN,
        name,
        worst,
        added=earlier.added,
        skipped=earlier.skipped,
        failed=earlier.failed,
        run_id=earlier.run_id,
        finished_at=earlier.finished_at,
        detail=detail,
    )


def _numbers(outcome: JobOutcome) -> dict[str, int]:
    total: Counter[str] = Counter()
    for result in outcome.results:
        total.update(result.numbers)
    return dict(total)


def _counts(drained: Drained) -> dict[str, int]:
    return {
        "events": drained.events,
        "settled": drained.settled,
        "later": drained.later,
        "failed_events": len(drained.failed),
        "recovered": drained.recovered,
    }


def _metadata(drained: Drained, seconds: float) -> dict[str, Any]:
    total: Counter[str] = Counter()
    failures = [ItemFailure(*_named(each), _REMEDY) for each in drained.failed]
    notes: dict[str, Any] = {}
    changes = []
    for name, outcome in drained.jobs.items():
        total.update(_numbers(outcome))
        changes += [f"* {name}: {change}" for change in outcome.changes]
        for result in outcome.results:
            failures += result.failures
            notes |= {f"{name}/{key}": value for key, value in result.notes.items()}
    metadata: dict[str, Any] = {**total, **_counts(drained), "failed": len(failures)}
    metadata["seconds"] = round(seconds, 3)
    if failures:
        metadata["failures"] = dg.MetadataValue.md(failure_table(failures))
    if changes:
        metadata["changes"] = dg.MetadataValue.md("\n".join(changes[:CHANGES_SHOWN]))
    return metadata | notes


def _named(failure: str) -> tuple[str, str]:
    event, _, reason = failure.partition(": ")
    return event, reason
