"""When posts are sent: with the round that queues them, and whenever some are due."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from sync_assets.ledger.leases import is_held
from sync_assets.settings.telegram import TelegramSettings
from sync_assets.telegram.assets import POSTS
from sync_assets.telegram.chats import original_chat_ids
from sync_assets.telegram.outbox import due_chats
from sync_assets.telegram.pacing import is_blocked, is_resting
from sync_assets.telegram.posting import lease_name

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

JOB = "telegram_posts"
_UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
)


def posts_selection(settings: TelegramSettings) -> dg.AssetSelection:
    """Return the part of a round that sends posts: nothing where Telegram is not configured.

    Args:
        settings: The domain's configuration.
    """
    chosen = [POSTS] if settings.is_configured else []
    return dg.AssetSelection.assets(*chosen)


def build_job() -> "UnresolvedAssetJobDefinition":
    """Build the job that sends what is due."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(POSTS),
        description="Send the posts that wait in the outbox. Without a partition: of all accounts.",
    )


def build_sensor(
    settings: TelegramSettings,
    job: "UnresolvedAssetJobDefinition",
    chats: Mapping[str, Sequence[str]],
) -> dg.SensorDefinition:
    """Build the sensor that sends what no round has sent: retries, and the rest of long rounds.

    Args:
        settings: The domain's configuration.
        job: The job that sends.
        chats: The chats of each account.
    """

    @dg.sensor(
        name="telegram_posts_sensor",
        job=job,
        minimum_interval_seconds=settings.worker_poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"ledger"},
        description="Starts a run for each account that has posts to send now.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        unfinished = context.instance.get_runs(
            dg.RunsFilter(job_name=JOB, statuses=list(_UNFINISHED))
        )
        with context.resources.ledger.read() as connection:
            if is_resting(connection, settings):
                yield dg.SkipReason("The last run could send nothing: a pause, or the next round.")
                return
        running = {run.tags.get("dagster/partition") for run in unfinished}
        wanted = []
        for account, chat_ids in chats.items():
            with context.resources.ledger.read() as connection:
                due = due_chats(connection, account, original_chat_ids(connection, chat_ids))
                takes = any(not is_blocked(connection, settings, each) for each in due)
                busy = account in running or is_held(connection, lease_name(account))
            if takes and not busy:
                wanted.append(account)
        if not wanted:
            yield dg.SkipReason("No post can be sent now.")
        for account in wanted:
            yield dg.RunRequest(partition_key=account)

    return sensor
