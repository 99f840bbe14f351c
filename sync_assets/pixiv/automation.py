"""When the Pixiv pipeline runs: by schedule, and when complete works wait for their posts."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG

from sync_assets.ledger.leases import is_held
from sync_assets.pixiv.account import lease_name
from sync_assets.pixiv.accounts import is_paused, read_accounts
from sync_assets.pixiv.models import DOMAIN
from sync_assets.pixiv.works import last_unannounced
from sync_assets.settings.pixiv import PixivSettings

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

SYNC_JOB = "pixiv_sync"
ANNOUNCE_JOB = "pixiv_announce"
_SENSOR_SECONDS = 60
_TAGS = {"sync/domain": DOMAIN}
"""By this `dagster.yaml` leaves room for the runs of other domains, however many accounts run."""

_ACTIVE = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def build_sync_job(also: dg.AssetSelection) -> "UnresolvedAssetJobDefinition":
    """Build the job of a round.

    Args:
        also: Assets of other domains that a round ends with.
    """
    return dg.define_asset_job(
        SYNC_JOB,
        selection=dg.AssetSelection.groups(DOMAIN) | also,
        tags=_TAGS,
        description="List the bookmarks, download what is new, convert animations, queue posts. "
        "Without a partition: all accounts.",
    )


def build_announce_job() -> "UnresolvedAssetJobDefinition":
    """Build the job that asks Pixiv for nothing."""
    return dg.define_asset_job(
        ANNOUNCE_JOB,
        selection=dg.AssetSelection.assets([DOMAIN, "animations"]),
        tags=_TAGS,
        description="Convert animations and queue the posts of complete works, without a request "
        "to Pixiv.",
    )


def cron_of(seconds: int) -> str:
    """Return the cron expression of an interval that divides an hour or a day."""
    if seconds < 3_600:
        return f"*/{seconds // 60} * * * *"
    return "0 0 * * *" if seconds == 86_400 else f"0 */{seconds // 3_600} * * *"


def build_schedule(
    settings: PixivSettings, job: "UnresolvedAssetJobDefinition"
) -> dg.ScheduleDefinition:
    """Build the schedule of the rounds: one run per account, so that each fails alone.

    An account whose last round still runs, or that Pixiv wants to be left alone, is passed over.

    Args:
        settings: The domain's configuration.
        job: The job of a round.
    """

    def requests(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        with context.resources.ledger.read() as connection:
            states = read_accounts(connection)
        busy = _busy_accounts(context.instance)
        for name in sorted(settings.accounts):
            state = states.get(name)
            if name in busy:
                yield dg.SkipReason(f"The last round of {name} still runs.")
            elif state is not None and is_paused(state):
                until = f"{state.not_before:%Y-%m-%d %H:%M:%S} UTC"
                yield dg.SkipReason(f"Pixiv limits {name}: nothing before {until}.")
            else:
                yield dg.RunRequest(
                    run_key=f"{name}:{context.scheduled_execution_time.isoformat()}",
                    partition_key=name,
                )

    return dg.ScheduleDefinition(
        name="pixiv_sync_schedule",
        job=job,
        cron_schedule=cron_of(settings.poll_interval_seconds),
        execution_fn=requests,
        required_resource_keys={"ledger"},
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="A round of every account.",
    )


def build_unannounced_sensor(
    settings: PixivSettings, job: "UnresolvedAssetJobDefinition"
) -> dg.SensorDefinition:
    """Build the sensor that queues the posts of files that have none.

    Such files are there after a crash between the download and the queue, and after `pixiv-adopt`.

    Args:
        settings: The domain's configuration.
        job: The job that queues posts.
    """

    @dg.sensor(
        name="pixiv_unannounced_sensor",
        job=job,
        minimum_interval_seconds=_SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"ledger"},
        description="Queues the posts of files that are on the disk and have none.",
    )
    def sensor(
        context: dg.SensorEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        busy = _busy_accounts(context.instance)
        asked = False
        for name in sorted(settings.accounts):
            with context.resources.ledger.read() as connection:
                newest = last_unannounced(connection, name)
                if newest is None or name in busy or is_held(connection, lease_name(name)):
                    continue
            asked = True
            yield dg.RunRequest(run_key=f"{name}:{newest}", partition_key=name)
        if not asked:
            yield dg.SkipReason("Every complete work has its posts queued.")

    return sensor


def _busy_accounts(instance: dg.DagsterInstance) -> set[str]:
    runs = [
        run
        for job in (SYNC_JOB, ANNOUNCE_JOB)
        for run in instance.get_runs(dg.RunsFilter(job_name=job, statuses=list(_ACTIVE)))
    ]
    return {run.tags[PARTITION_NAME_TAG] for run in runs if PARTITION_NAME_TAG in run.tags}
