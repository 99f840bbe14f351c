"""The sensor that compares results with what was told, and sends what waits."""

import dagster as dg

from sync_assets.ledger import Ledger
from sync_assets.ops.notifications.delivery import deliver
from sync_assets.ops.notifications.outbox import end_trouble, open_troubles
from sync_assets.ops.notifications.troubles import JOB_PREFIX, compare_results
from sync_assets.settings import Settings

LOOK_SECONDS = 30
_PARTITION_TAG = "dagster/partition"


def build_sensor(settings: Settings) -> dg.SensorDefinition:
    """Build the sensor.

    Args:
        settings: The whole configuration, with at least one address.
    """

    @dg.sensor(
        name="notifications_sensor",
        minimum_interval_seconds=LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"ledger"},
        description="Tells what has failed, what works again, which accounts must be connected "
        "again and what waits for review, where [notifications] in sync.toml says.",
    )
    def notifications_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        ledger: Ledger = context.resources.ledger
        instance = context.instance

        def is_under_way(run_id: str) -> bool:
            run = instance.get_run_by_id(run_id)
            return run is not None and not run.is_finished

        with ledger.write() as connection:
            compare_results(connection, settings, is_under_way)
        _compare_jobs(ledger, instance)
        return dg.SkipReason(f"{deliver(ledger, settings)} notifications were told.")

    return notifications_sensor


def _compare_jobs(ledger: Ledger, instance: dg.DagsterInstance) -> None:
    """Tell which jobs, whose failure no domain could report, have succeeded since."""
    with ledger.read() as connection:
        troubles = [each for each in open_troubles(connection) if each.key.startswith(JOB_PREFIX)]
    for trouble in troubles:
        job, _, partition = trouble.key.removeprefix(JOB_PREFIX).partition("/")
        filters = dg.RunsFilter(
            job_name=job,
            statuses=[dg.DagsterRunStatus.SUCCESS],
            tags={_PARTITION_TAG: partition} if partition else {},
            created_after=trouble.created_at,
        )
        if instance.get_runs(filters, limit=1):
            with ledger.write() as connection:
                end_trouble(connection, trouble, f"{job} {partition}".rstrip() + " works again")
