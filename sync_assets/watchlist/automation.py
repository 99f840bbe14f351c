"""When items are checked: each by its own clock, and whenever a download has come to an end."""

from typing import TYPE_CHECKING

import dagster as dg

from sync_assets.settings import Settings
from sync_assets.watchlist.keys import DOWNLOADS, EPISODES, ITEMS
from sync_assets.watchlist.models import CHECK_JOB, CHECK_SENSOR

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

_UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
)


def build_job() -> "UnresolvedAssetJobDefinition":
    """Build the job that checks items."""
    return dg.define_asset_job(
        CHECK_JOB,
        selection=dg.AssetSelection.assets(ITEMS, EPISODES, DOWNLOADS),
        description="Look for new episodes and queue them. With a partition: of that item, due or "
        "not. Without: of all that are due, several at a time.",
    )


def build_sensor(settings: Settings, job: "UnresolvedAssetJobDefinition") -> dg.SensorDefinition:
    """Build the sensor that starts a run when there is work.

    Args:
        settings: The whole configuration.
        job: The job that checks items.
    """

    @dg.sensor(
        name=CHECK_SENSOR,
        job=job,
        minimum_interval_seconds=settings.watchlist.look_every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"ledger"},
        description="Starts one run when items are due, episodes have room to be queued, or "
        "downloads have come to an end.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        # Not with the definitions: it brings the relay.
        from sync_assets.watchlist.waiting import has_work  # noqa: PLC0415

        if context.instance.get_runs(
            dg.RunsFilter(job_name=CHECK_JOB, statuses=list(_UNFINISHED)), limit=1
        ):
            return dg.SkipReason("A run is at work.")
        with context.resources.ledger.read() as connection:
            if not has_work(connection, settings.watchlist):
                return dg.SkipReason("Nothing is due.")
        return dg.RunRequest()

    return sensor
