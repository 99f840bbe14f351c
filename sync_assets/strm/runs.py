"""Run a stage of the pipeline for a run's job: glue between Dagster and the engine."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from sync_assets.failures import failing_step, failure_table
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.logs import stage
from sync_assets.settings import Settings
from sync_assets.strm.events.waiting import LEASE_NAME
from sync_assets.strm.job_run import JobRun, StageResult
from sync_assets.strm.output.root import OutputUnavailableError
from sync_assets.strm.reporting import DOMAIN, Reporter

LEASE_WAIT_SECONDS = 60.0


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
        (key,) = context.selected_asset_keys
        (result,) = self.run_together(context, [key], lambda job: [work(job)])
        return result

    def run_together(
        self,
        context: dg.AssetExecutionContext,
        keys: Sequence[dg.AssetKey],
        work: Callable[[JobRun], Sequence[StageResult]],
    ) -> list[dg.MaterializeResult]:
        """Do the work of several assets at once.

        Args:
            context: The context of their step; its partition is the job.
            keys: The assets, in the order of the pipeline.
            work: What they do; it raises `SyncError`, and returns a result for each asset.

        Returns:
            The assets' results, with their numbers as metadata.

        Raises:
            dagster.Failure: It could not be done; nothing is materialized.
        """
        require_jobs(self._settings)
        name, run_id = context.partition_key, context.run.run_id
        assets = [key.path[-1] for key in keys]
        started_at = time.monotonic()

        def report(error: Exception) -> None:
            self._reporter.failed(run_id, name, _failed_asset(assets, error), error)

        with failing_step(report, name):
            results = self._work(context, name, assets, work)
        seconds = time.monotonic() - started_at
        for asset, result in zip(assets, results, strict=True):
            self._reporter.succeeded(run_id, name, asset, result)
        return [
            dg.MaterializeResult(asset_key=key, metadata=_metadata(result, seconds))
            for key, result in zip(keys, results, strict=True)
        ]

    def _work(
        self,
        context: dg.AssetExecutionContext,
        name: str,
        assets: Sequence[str],
        work: Callable[[JobRun], Sequence[StageResult]],
    ) -> Sequence[StageResult]:
        strm = self._settings.strm
        purpose = f"STRM job {name} of run {context.run.run_id}"
        title = f"{DOMAIN}/{'+'.join(assets)}"
        with (
            stage(context, title, partition=name) as logged,
            hold_lease(
                self._ledger, LEASE_NAME, purpose=purpose, wait_seconds=LEASE_WAIT_SECONDS
            ) as lease,
        ):
            job = JobRun(
                name,
                strm.jobs[name],
                lease,
                self._ledger,
                self._lake,
                strm.media_servers,
                checkpoints=self._settings.home / DOMAIN / "scans",
            )
            results = work(job)
            for result in results:
                logged.update(result.numbers)
            logged["failed"] = sum(len(result.failures) for result in results)
        return results


def _failed_asset(assets: Sequence[str], error: Exception) -> str:
    """Return which of the assets that are made together an error is about."""
    return assets[-1] if isinstance(error, OutputUnavailableError) else assets[0]


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
    if result.files:
        metadata["files_per_s"] = round(result.files / seconds)
    if result.failures:
        table = failure_table(result.failures, all_are_in="the table in the lake")
        metadata["failures"] = dg.MetadataValue.md(table)
    metadata.update(result.notes)
    return metadata
