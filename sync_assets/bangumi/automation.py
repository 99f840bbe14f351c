"""When Trakt's history goes to Bangumi: by job, and by schedule."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from sync_assets.bangumi.reporting import DOMAIN
from sync_assets.settings.bangumi import BangumiSettings

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )


def build_job(trakt: dg.AssetSelection) -> "UnresolvedAssetJobDefinition":
    """Build the job from Trakt to Bangumi.

    Args:
        trakt: The assets that bring an account of Trakt up to date.
    """
    return dg.define_asset_job(
        "trakt_to_bangumi",
        selection=trakt | dg.AssetSelection.groups(DOMAIN),
        description="Fetch what is new at Trakt, match it, plan, and report it to Bangumi. "
        "Without a partition: all accounts.",
    )


def build_schedule(
    settings: BangumiSettings, job: "UnresolvedAssetJobDefinition"
) -> dg.ScheduleDefinition:
    """Build the schedule: one run per account, so that each fails alone.

    Args:
        settings: The domain's configuration.
        job: The job from Trakt to Bangumi.
    """

    def requests(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        for name in settings.active_accounts:
            yield dg.RunRequest(
                run_key=f"{name}:{context.scheduled_execution_time.isoformat()}",
                partition_key=name,
            )

    return dg.ScheduleDefinition(
        name="trakt_to_bangumi_schedule",
        job=job,
        cron_schedule=settings.schedule,
        execution_timezone=settings.timezone,
        execution_fn=requests,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The reports of every account that is not paused.",
    )
