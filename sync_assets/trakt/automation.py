"""When Trakt is read: by job, by a sensor that looks whether anything is new, by schedule."""

import hashlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from sync_assets.errors import SyncError
from sync_assets.ledger.results import ResultStatus
from sync_assets.ledger.types import utc_now
from sync_assets.oauth.errors import NotConnectedError
from sync_assets.settings import Settings
from sync_assets.trakt.activities import ask, changed_datasets
from sync_assets.trakt.reporting import FIRST_STAGE, Reporter
from sync_assets.trakt.runs import open_account
from sync_assets.trakt.tables import DOMAIN

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

logger = logging.getLogger(__name__)


def build_selection() -> dg.AssetSelection:
    """Return the assets that bring an account up to date, all partitioned by account.

    For jobs of other domains that begin with Trakt. `trakt/history` is not among them: it is
    partitioned by month as well, and `trakt/changes` writes it.
    """
    names = ("changes", "ratings", "collection")
    return dg.AssetSelection.assets(*([DOMAIN, name] for name in names))


def build_job() -> "UnresolvedAssetJobDefinition":
    """Build the job that reads Trakt."""
    return dg.define_asset_job(
        "trakt_sync",
        selection=build_selection(),
        description="Bring history, ratings and collection up to date. Without a partition: all "
        "accounts.",
    )


def build_schedule(settings: Settings, job: Any, cron: str) -> dg.ScheduleDefinition:
    """Build the schedule: a run for each account that is not paused.

    Args:
        settings: The whole configuration.
        job: A job partitioned by account.
        cron: When.
    """

    def requests(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        for account in settings.trakt.active_accounts:
            key = f"{account}:{context.scheduled_execution_time.isoformat()}"
            yield dg.RunRequest(run_key=key, partition_key=account)

    return dg.ScheduleDefinition(
        name="trakt_schedule",
        job=job,
        cron_schedule=cron,
        execution_timezone=settings.trakt.timezone,
        execution_fn=requests,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="A run for every account, whether anything is new or not.",
    )


def build_sensor(settings: Settings, job: Any) -> dg.SensorDefinition:
    """Build the sensor that looks whether anything is new, with one request per account.

    Args:
        settings: The whole configuration.
        job: A job partitioned by account that begins with `build_selection`.
    """

    @dg.sensor(
        name="trakt_activity_sensor",
        job=job,
        minimum_interval_seconds=settings.trakt.look_every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"ledger", "lake"},
        description="Asks Trakt when something changed last, and starts a run for the accounts "
        "where that is news. A run that failed is tried again every hour.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        requests, reasons = [], []
        for account in settings.trakt.active_accounts:
            try:
                key = _wanted_run(settings, context.resources, account)
            except SyncError as error:
                logger.warning("%s: %s", account, error)
                reasons.append(f"{account}: {error.message}")
                continue
            if key is None:
                reasons.append(f"{account}: nothing is new.")
            else:
                requests.append(dg.RunRequest(run_key=key, partition_key=account))
        return requests or dg.SkipReason(" ".join(reasons) or "Every account is paused.")

    return sensor


def _wanted_run(settings: Settings, resources: Any, account: str) -> str | None:
    """Return the key of the run that an account needs; None where it needs none."""
    ledger = resources.ledger
    reporter = Reporter(settings, ledger)
    last = reporter.last(account)
    has_failed = last is not None and last.status is not ResultStatus.OK
    try:
        lake = resources.lake.open()
        with open_account(settings, ledger, lake, account, is_hasty=True) as work:
            activities = ask(work)
    except NotConnectedError as error:
        if last is None or last.detail.get("remedy") != error.remedy:
            reporter.failed(None, account, FIRST_STAGE, error)
        raise
    if not changed_datasets(ledger, account, activities) and not has_failed:
        return None
    # The hour lets a run that failed be tried again, and not at every look.
    text = f"{sorted(activities.moments.items())} {utc_now():%Y-%m-%d %H}"
    return f"{account}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
