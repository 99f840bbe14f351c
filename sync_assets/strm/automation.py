"""When the STRM pipeline runs: by job, by schedule, by storage events."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from sync_assets.active_runs import active_runs
from sync_assets.launching import wanted_run
from sync_assets.settings.strm import StrmSettings
from sync_assets.strm.assets import LIBRARY_OP, METADATA_OP
from sync_assets.strm.deleting.approval import APPROVAL_JOB
from sync_assets.strm.events.waiting import EVENT_JOB
from sync_assets.strm.reporting import DOMAIN

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )


_CHANGES = dg.AssetSelection.assets([DOMAIN, "changes"])
_SENSOR_SECONDS = 5
_PLAN_ID = "put the id here that deletion_is_safe names"


def build_full_job() -> "UnresolvedAssetJobDefinition":
    """Build the job of a full scan."""
    return dg.define_asset_job(
        "strm_full",
        selection=dg.AssetSelection.groups(DOMAIN) - _CHANGES,
        description="List each source whole, write what is missing or changed, delete what is "
        "gone. Without a partition: all of them.",
    )


def build_incremental_job() -> "UnresolvedAssetJobDefinition":
    """Build the job of an incremental scan."""
    return dg.define_asset_job(
        "strm_incremental",
        selection=dg.AssetSelection.assets(
            [DOMAIN, "listing"], [DOMAIN, "tree"], [DOMAIN, "metadata"], [DOMAIN, "announcements"]
        ),
        config={
            "ops": {
                LIBRARY_OP: {"config": {"skip_existing": True}},
                METADATA_OP: {"config": {"skip_existing": True}},
            }
        },
        description="List each source and write what is missing; compare nothing that is there, "
        "delete nothing. Without a partition: all of them.",
    )


def build_approval_job() -> "UnresolvedAssetJobDefinition":
    """Build the job that carries out one deletion plan beyond the limits.

    It does not list the source again: the id covers exactly the files of the last listing, and
    the run fails where that listing does not give this plan any more.
    """
    return dg.define_asset_job(
        APPROVAL_JOB,
        selection=dg.AssetSelection.assets([DOMAIN, "orphans"], [DOMAIN, "announcements"]),
        config={"ops": {f"{DOMAIN}__orphans": {"config": {"approved_plan": _PLAN_ID}}}},
        description="Delete exactly the files of one plan that waits for approval. approved_plan: "
        "the id that the check deletion_is_safe names; partition: the job.",
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


def build_events_job() -> "UnresolvedAssetJobDefinition":
    """Build the job that follows storage events."""
    return dg.define_asset_job(
        EVENT_JOB.name,
        selection=_CHANGES,
        description="Deal with the storage events that wait in the inbox: look at what they name, "
        "and at nothing else.",
    )


def build_events_sensor(job: "UnresolvedAssetJobDefinition") -> dg.SensorDefinition:
    """Build the sensor that starts event runs where the server has not.

    Args:
        job: The job that follows storage events.
    """

    @dg.sensor(
        name=EVENT_JOB.sensor_name,
        job=job,
        minimum_interval_seconds=_SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"ledger"},
        description="Starts a run when storage events wait: all that the server did not start, "
        "and those that are to be looked at again.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        active = active_runs(context.instance, EVENT_JOB.name)
        wanted = wanted_run(context.resources.ledger, EVENT_JOB, active)
        if wanted is None:
            return dg.SkipReason("No storage event waits for a run.")
        return dg.RunRequest(run_key=wanted.run_key)

    return sensor
