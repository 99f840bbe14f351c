"""When what was watched goes to Bangumi: by job, by schedule, by events of media servers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from sync_assets.active_runs import active_runs
from sync_assets.bangumi.custom.items import newest_unfinished
from sync_assets.bangumi.custom.waiting import EVENT_JOB
from sync_assets.bangumi.reporting import DOMAIN
from sync_assets.launching import wanted_run
from sync_assets.ledger.types import utc_now
from sync_assets.settings.bangumi import BangumiSettings

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

_SENSOR_SECONDS = 5


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


def build_custom_job() -> "UnresolvedAssetJobDefinition":
    """Build the job from media servers to Bangumi, which needs no account of Trakt."""
    return dg.define_asset_job(
        EVENT_JOB.name,
        selection=dg.AssetSelection.groups(DOMAIN),
        description="Take in what media servers have sent, match it together with what is known "
        "of Trakt, plan, and report it to Bangumi. Without a partition: all accounts.",
    )


def build_custom_sensor(
    settings: BangumiSettings, job: "UnresolvedAssetJobDefinition"
) -> dg.SensorDefinition:
    """Build the sensor that starts a run for events of media servers where the server has not.

    Args:
        settings: The domain's configuration.
        job: The job from media servers to Bangumi.
    """

    @dg.sensor(
        name=EVENT_JOB.sensor_name,
        job=job,
        minimum_interval_seconds=_SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"ledger"},
        description="Starts a run when a media server has sent something that the server did not "
        "start one for. What a run has not taken to the end is tried again every hour.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        ledger = context.resources.ledger
        active = active_runs(context.instance, EVENT_JOB.name)
        wanted = wanted_run(ledger, EVENT_JOB, active)
        if wanted is not None:
            return dg.RunRequest(run_key=wanted.run_key)
        if active:
            return dg.SkipReason("A run is at work.")
        with ledger.read() as connection:
            newest = newest_unfinished(connection, settings.active_accounts)
        if newest is None:
            return dg.SkipReason("Nothing waits that a media server has sent.")
        return dg.RunRequest(run_key=f"{EVENT_JOB.name}:again:{newest}:{utc_now():%Y-%m-%d %H}")

    return sensor
