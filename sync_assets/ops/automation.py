"""The daily maintenance as a Dagster asset, so that its numbers are plotted and its runs seen."""

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError
from dagster._core.events import JobFailureData
from dagster._core.storage.tags import PARTITION_NAME_TAG

from sync_assets.executor import PartitionRunsFailedError
from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import remove_finished
from sync_assets.ledger.results import fail_results_of_run
from sync_assets.logs import stage
from sync_assets.ops.health import health_report, write_health_file
from sync_assets.ops.notifications.automation import build_sensor as build_notifications_sensor
from sync_assets.ops.notifications.outbox import remove_told
from sync_assets.ops.notifications.troubles import begin_job_trouble
from sync_assets.ops.retention import prune
from sync_assets.settings import Settings
from sync_assets.watchlist.store.checks_log import forget as forget_checks


def build_defs(settings: Settings) -> dg.Definitions:
    """Build the definitions of the maintenance.

    Args:
        settings: The configuration that says how long history is kept.
    """

    @dg.asset(
        key=["operations", "retention"],
        group_name="operations",
        description="Removes finished runs, logs and webhook events that are older than the "
        "configuration says. Unfinished and failed events stay.",
    )
    def retention(
        context: dg.AssetExecutionContext, ledger: dg.ResourceParam[Ledger]
    ) -> dg.MaterializeResult:
        now = datetime.now(UTC)
        with stage(context, "retention"):
            pruned = prune(context.instance, settings, now)
            with ledger.write() as connection:
                before = now - timedelta(days=settings.retention.inbox_days)
                events_removed = remove_finished(connection, before)
                before = now - timedelta(days=settings.retention.notifications_days)
                notifications_removed = remove_told(connection, before)
                # A check is known by its run, and is kept as long.
                before = now - timedelta(days=settings.retention.runs_days)
                checks_removed = forget_checks(connection, before)
        return dg.MaterializeResult(
            metadata={
                "runs_removed": pruned.runs_removed,
                "runs_kept": pruned.runs_kept,
                "log_files_removed": pruned.log_files_removed,
                "bytes_freed": pruned.bytes_freed,
                "inbox_events_removed": events_removed,
                "notifications_removed": notifications_removed,
                "watchlist_checks_removed": checks_removed,
            }
        )

    maintenance = dg.define_asset_job(
        "maintenance",
        selection=dg.AssetSelection.groups("operations"),
        description="What has to be done once a day, whatever is configured.",
    )
    schedule = dg.ScheduleDefinition(
        name="maintenance_schedule",
        job=maintenance,
        cron_schedule="30 3 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    return dg.Definitions(
        assets=[retention],
        jobs=[maintenance],
        schedules=[schedule],
        sensors=[
            _failed_runs_sensor(settings),
            *([build_notifications_sensor(settings)] if settings.notifications.is_on else []),
        ],
    )


_SAID_SO = (
    # Its own partition went well; the others' runs speak for themselves.
    PartitionRunsFailedError.__name__,
    # What a blocking check found was reported by the asset that it is about.
    DagsterAssetCheckFailedError.__name__,
)
"""Errors that end a run which has reported its results."""


def _failed_runs_sensor(settings: Settings) -> dg.SensorDefinition:
    """Build the sensor that keeps `/health` honest about runs that could not report themselves."""

    @dg.run_failure_sensor(
        name="failed_runs_sensor",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Marks what a run reported as failed when the run ended without saying so, "
        "as when its process was killed, and has it told.",
    )
    def failed_runs_sensor(context: dg.RunFailureSensorContext) -> None:
        # A run whose process was killed is reported by others, without any data.
        data = context.failure_event.event_specific_data
        error = data.error if isinstance(data, JobFailureData) else None
        if error is not None and error.cls_name in _SAID_SO:
            return
        run = context.dagster_run
        ledger = Ledger.open(settings.ledger_url)
        try:
            with ledger.write() as connection:
                fail_results_of_run(connection, run.run_id, "The run ended before it was done.")
                begin_job_trouble(
                    connection, run.job_name, run.tags.get(PARTITION_NAME_TAG, ""), run.run_id
                )
            write_health_file(health_report(ledger, settings), settings.home)
        finally:
            ledger.close()

    return failed_runs_sensor
