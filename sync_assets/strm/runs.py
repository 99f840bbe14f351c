"""Run a stage of the pipeline for a run's job: glue between Dagster and the engine."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from sync_assets.errors import SyncError
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.logs import stage
from sync_assets.settings import Settings
from sync_assets.strm.models import ItemFailure
from sync_assets.strm.pipeline import JobRun, StageResult
from sync_assets.strm.reporting import Reporter
from sync_assets.strm.waiting import LEASE_NAME

LEASE_WAIT_SECONDS = 60.0
FAILURES_SHOWN = 50


class Stage:
    """One stage of the pipeline.

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

    def run(
        self, context: dg.AssetExecutionContext, work: Callable[[JobRun], StageResult]
    ) -> dg.MaterializeResult:
        """Do the work of one asset.

        Args:
            context: The asset's context; its partition is the job.
            work: What the asset does; it raises `SyncError`.

        Returns:
            The asset's result, with its numbers as metadata.

        Raises:
            dagster.Failure: It could not be done; nothing is materialized.
        """
        name = self._job_name(context)
        run_id, asset = context.run.run_id, context.asset_key.path[-1]
        started_at = time.monotonic()
        try:
            result = self._work(context, name, work)
        except SyncError as error:
            self._reporter.failed(run_id, name, asset, error)
            raise dg.Failure(description=f"{name}: {error}", allow_retries=False) from error
        except Exception as error:
            # A mistake of ours must not leave the health of the last run standing.
            self._reporter.failed(run_id, name, asset, error)
            raise
        self._reporter.succeeded(run_id, name, asset, result)
        return dg.MaterializeResult(metadata=_metadata(result, time.monotonic() - started_at))

    def _job_name(self, context: dg.AssetExecutionContext) -> str:
        require_jobs(self._settings)
        return context.partition_key

    def _work(
        self, context: dg.AssetExecutionContext, name: str, work: Callable[[JobRun], StageResult]
    ) -> StageResult:
        strm = self._settings.strm
        purpose = f"STRM job {name} of run {context.run.run_id}"
        with (
            stage(context, context.asset_key.to_user_string(), partition=name) as logged,
            hold_lease(
                self._ledger, LEASE_NAME, purpose=purpose, wait_seconds=LEASE_WAIT_SECONDS
            ) as lease,
        ):
            job = JobRun(name, strm.jobs[name], lease, self._ledger, self._lake, strm.media_servers)
            result = work(job)
            logged.update(result.numbers)
            logged["failed"] = len(result.failures)
        return result


def require_jobs(settings: Settings) -> None:
    """Make sure that any job is configured.

    Args:
        settings: The whole configuration.

    Raises:
        dagster.Failure: None is.
    """
    if not settings.strm.jobs:
        raise dg.Failure(
            description="No STRM job is configured. Add a table [strm.jobs.NAME] to "
            "sync.toml; sync.example.toml shows one.",
            allow_retries=False,
        )


def _metadata(result: StageResult, seconds: float) -> dict[str, Any]:
    metadata: dict[str, Any] = dict(result.numbers)
    metadata["failed"] = len(result.failures)
    metadata["seconds"] = round(seconds, 3)
    if result.failures:
        metadata["failures"] = dg.MetadataValue.md(failure_table(result.failures))
    metadata.update(result.notes)
    return metadata


def failure_table(failures: Sequence[ItemFailure]) -> str:
    """Return a Markdown table of failures, the first ones where there are many."""
    rows = [
        f"| {_cell(each.path)} | {_cell(each.error)} | {_cell(each.remedy)} |"
        for each in failures[:FAILURES_SHOWN]
    ]
    hidden = len(failures) - len(rows)
    more = [f"\n{hidden} more; the table in the lake has all of them."] if hidden > 0 else []
    return "\n".join(["| item | what went wrong | what to do |", "|---|---|---|", *rows, *more])


def _cell(text: str) -> str:
    printable = "".join(character if character.isprintable() else "�" for character in text)
    return printable.replace("|", "\\|")
