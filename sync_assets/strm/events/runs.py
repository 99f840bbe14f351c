"""Run the storage events of the inbox: glue between Dagster and `events.draining`.

What events did is one more stage of a job's last result, and can make it worse, never better: a
library that could not be scanned is not well because one file was added.
"""

import time
from collections import Counter
from typing import Any

import dagster as dg

from sync_assets.errors import ItemFailure, SyncError
from sync_assets.failures import failure_table
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.logs import stage
from sync_assets.settings import Settings
from sync_assets.strm.events.draining import Drain, Drained, JobOutcome
from sync_assets.strm.events.waiting import LEASE_NAME
from sync_assets.strm.job_run import JobRun, StageResult
from sync_assets.strm.pipeline import tell_media_servers
from sync_assets.strm.reporting import Reporter
from sync_assets.strm.runs import LEASE_WAIT_SECONDS, require_jobs

CHANGES_SHOWN = 50
_STAGE = "changes"
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
        self._reporter = Reporter(settings, ledger)

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
                for name, outcome in drained.jobs.items():
                    job = JobRun(
                        name,
                        self._settings.strm.jobs[name],
                        lease,
                        self._ledger,
                        self._lake,
                        self._settings.strm.media_servers,
                    )
                    outcome.results.append(tell_media_servers(job))
                logged.update(_counts(drained))
            seconds = time.monotonic() - started_at
            for name, outcome in drained.jobs.items():
                self._report(run_id, name, outcome)
        return drained, seconds

    def _report(self, run_id: str, name: str, outcome: JobOutcome) -> None:
        if outcome.error is not None:
            self._reporter.failed(run_id, name, _STAGE, outcome.error)
            return
        failures = [failure for result in outcome.results for failure in result.failures]
        result = StageResult(_numbers(outcome), failures)
        self._reporter.succeeded(run_id, name, _STAGE, result)


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
        metadata["failures"] = dg.MetadataValue.md(
            failure_table(failures, all_are_in="the table in the lake")
        )
    if changes:
        metadata["changes"] = dg.MetadataValue.md("\n".join(changes[:CHANGES_SHOWN]))
    return metadata | notes


def _named(failure: str) -> tuple[str, str]:
    event, _, reason = failure.partition(": ")
    return event, reason
