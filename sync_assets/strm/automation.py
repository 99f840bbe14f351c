"""When the STRM pipeline runs: by job, by schedule."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from sync_assets.settings.strm import StrmSettings
from sync_assets.strm.reporting import DOMAIN

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )


def build_full_job() -> "UnresolvedAssetJobDefinition":
    """Build the job of a full scan."""
    return dg.define_asset_job(
        "strm_full",
        selection=dg.AssetSelection.groups(DOMAIN),
        description="List each source whole, write what is missing or changed, delete what is "
        "gone. Without a partition: all of them.",
    )


def build_incremental_job() -> "UnresolvedAssetJobDefinition":
    """Build the job of an incremental scan."""
    return dg.define_asset_job(
        "strm_incremental",
        selection=dg.AssetSelection.assets(
            [DOMAIN, "listing"], [DOMAIN, "tree"], [DOMAIN, "announcements"]
        ),
        config={"ops": {f"{DOMAIN}__tree": {"config": {"skip_existing": True}}}},
        description="List each source and write what is missing; compare nothing that is there, "
        "delete nothing. Without a partition: all of them.",
    )


def build_schedule(
    settings: StrmSettings, job: "UnresolvedAssetJobDefinition"
) -> dg.ScheduleDefinition:
    """Build the schedule of the full scans: one run per job, so that each fails alone.

    Args:
        settings: The domain's configuration.
        job: The job of a full scan.
    """

    def requests(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        for name in sorted(settings.jobs):
            yield dg.RunRequest(
                run_key=f"{name}:{context.scheduled_execution_time.isoformat()}",
                partition_key=name,
            )

    return dg.ScheduleDefinition(
        name="strm_full_schedule",
        job=job,
        cron_schedule=settings.schedule,
        execution_timezone=settings.timezone,
        execution_fn=requests,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The full scan of every job.",
    )
