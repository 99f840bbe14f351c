"""When the relay runs: whenever something waits that a run could move."""

import shutil
from typing import TYPE_CHECKING

import dagster as dg

from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import waiting
from sync_assets.ledger.leases import is_held
from sync_assets.relay.assets import PARTITIONS
from sync_assets.relay.downloads import due_count
from sync_assets.relay.models import LEASE_NAME
from sync_assets.relay.runs import DOWNLOADS, MEDIA, UPLOADS
from sync_assets.relay.uploads import cleanable, due_upload_count
from sync_assets.relay.waiting import EVENT_JOB
from sync_assets.settings.relay import RelaySettings

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
    """Build the job that drives the relay."""
    return dg.define_asset_job(
        EVENT_JOB.name,
        selection=dg.AssetSelection.assets(MEDIA, DOWNLOADS, UPLOADS),
        description="Receive, download, upload and answer until everything is at rest, or the "
        "run's time is over. Every run drives all days, and reports those that changed.",
    )


def build_sensor(
    settings: RelaySettings, job: "UnresolvedAssetJobDefinition"
) -> dg.SensorDefinition:
    """Build the sensor that starts a run when there is work.

    Args:
        settings: The domain's configuration.
        job: The job that drives the relay.
    """

    @dg.sensor(
        name=EVENT_JOB.sensor_name,
        job=job,
        minimum_interval_seconds=settings.worker_poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"ledger"},
        description="Starts a run when a message waits, or a transfer can be moved.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if context.instance.get_runs(
            dg.RunsFilter(job_name=EVENT_JOB.name, statuses=list(_UNFINISHED)), limit=1
        ):
            return dg.SkipReason("A run is at work.")
        if not has_work(context.resources.ledger, settings):
            return dg.SkipReason("Everything is at rest.")
        return dg.RunRequest(partition_key=PARTITIONS.get_last_partition_key())

    return sensor


def has_work(ledger: Ledger, settings: RelaySettings) -> bool:
    """Tell whether a run could move anything now, and none is at work.

    Args:
        ledger: The ledger.
        settings: The domain's configuration.
    """
    with ledger.read() as connection:
        if is_held(connection, LEASE_NAME):
            return False
        if waiting(connection, *EVENT_JOB.sources) is not None:
            return True
        if due_count(connection, disk_has_space=_disk_has_space(settings)) > 0:
            return True
        if due_upload_count(connection) > 0:
            return True
        return settings.clean_local_files and bool(cleanable(connection, most=1))


def _disk_has_space(settings: RelaySettings) -> bool:
    directory = settings.download_directory
    existing = next(each for each in (directory, *directory.parents) if each.exists())
    return shutil.disk_usage(existing).free >= settings.disk_free_threshold_bytes
