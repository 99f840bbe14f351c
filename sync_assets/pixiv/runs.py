"""Run a stage of the pipeline for a run's account: glue between Dagster and the pipeline."""

import time
from pathlib import Path
from typing import Any

import dagster as dg

from sync_assets.failures import failing_step, failure_table
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import LeaseHeldError, hold_lease
from sync_assets.logs import stage
from sync_assets.ops.tools import TOOLS, tool_version
from sync_assets.pixiv.account import lease_name, open_account
from sync_assets.pixiv.announcing import Announce
from sync_assets.pixiv.models import StageResult
from sync_assets.pixiv.pipeline import Round, Stage
from sync_assets.pixiv.reporting import Reporter
from sync_assets.pixiv.thumbnails import picture_strip
from sync_assets.settings import Settings

LEASE_WAIT_SECONDS = 60.0


class AccountRun:
    """One stage for one account.

    Args:
        settings: The whole configuration.
        ledger: The ledger.
        lake: The lake.
        announce: Queues the posts of a work.
    """

    def __init__(self, settings: Settings, ledger: Ledger, lake: Lake, announce: Announce) -> None:
        self._settings = settings
        self._ledger = ledger
        self._lake = lake
        self._announce = announce
        self._reporter = Reporter(settings, ledger)

    def run(self, context: dg.AssetExecutionContext, work: Stage) -> dg.MaterializeResult:
        """Do the work of one asset.

        Args:
            context: The asset's context; its partition is the account.
            work: What the asset does; it raises `SyncError`.

        Returns:
            The asset's result, with its numbers as metadata.

        Raises:
            dagster.Failure: It could not be done; nothing is materialized.
        """
        if not self._settings.pixiv.accounts:
            raise dg.Failure(
                description="No Pixiv account is configured. Add a table [pixiv.accounts.NAME] "
                "to sync.toml; sync.example.toml shows one.",
                allow_retries=False,
            )
        name, run_id, asset = context.partition_key, context.run.run_id, context.asset_key.path[-1]
        started_at = time.monotonic()

        def report(error: Exception) -> None:
            # How the account is doing is for the run to say that holds the lease.
            if not isinstance(error, LeaseHeldError):
                self._reporter.failed(run_id, name, asset, error)

        with failing_step(report, name):
            result = self._work(context, name, work)
        seconds = time.monotonic() - started_at
        self._reporter.succeeded(run_id, name, asset, result, seconds)
        return dg.MaterializeResult(metadata=_metadata(result, seconds))

    def _work(self, context: dg.AssetExecutionContext, name: str, work: Stage) -> StageResult:
        purpose = f"Pixiv account {name} of run {context.run.run_id}"
        with (
            stage(context, context.asset_key.to_user_string(), partition=name) as logged,
            hold_lease(
                self._ledger, lease_name(name), purpose=purpose, wait_seconds=LEASE_WAIT_SECONDS
            ),
        ):
            account = open_account(
                self._settings,
                name,
                gallery_dl=self._gallery_dl(),
                seconds=self._seconds_left(context),
            )
            this = Round(account, self._ledger, self._lake, self._announce, context.run.run_id)
            result = work(this)
            logged.update(result.numbers)
            logged["failed"] = len(result.failures)
        return result

    def _gallery_dl(self) -> Path:
        own = self._settings.pixiv.gallery_dl_path or self._settings.tools.gallery_dl
        if own is None:
            # It came with this project; asking for its version costs a third of a quiet round.
            return TOOLS["gallery_dl"].installed
        tool_version("gallery_dl", own)
        return own

    def _seconds_left(self, context: dg.AssetExecutionContext) -> float:
        """Return what is left of the round's time, which counts from the start of the run."""
        record = context.instance.get_run_record_by_id(context.run.run_id)
        elapsed = time.time() - record.start_time if record and record.start_time else 0.0
        return self._settings.pixiv.max_run_seconds - elapsed


def _metadata(result: StageResult, seconds: float) -> dict[str, Any]:
    metadata: dict[str, Any] = dict(result.numbers)
    metadata["failed"] = len(result.failures)
    metadata["seconds"] = round(seconds, 3)
    if result.failures:
        metadata["failures"] = dg.MetadataValue.md(
            failure_table(result.failures, all_are_in="the ledger")
        )
    if result.warnings:
        metadata["warnings"] = dg.MetadataValue.md("\n\n".join(result.warnings))
    if result.pictures:
        metadata["newest_pictures"] = dg.MetadataValue.md(picture_strip(result.pictures))
    return metadata
