"""The daily maintenance as a Dagster asset, so that its numbers are plotted and its runs seen."""

from datetime import UTC, datetime

import dagster as dg

from sync_assets.logs import stage
from sync_assets.ops.retention import prune
from sync_assets.settings import load_settings


@dg.asset(
    key=["operations", "retention"],
    group_name="operations",
    description="Removes finished runs and logs that are older than the configuration says.",
)
def retention(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Remove what is old."""
    with stage(context, "retention"):
        result = prune(context.instance, load_settings(), datetime.now(UTC))
    return dg.MaterializeResult(
        metadata={
            "runs_removed": result.runs_removed,
            "runs_kept": result.runs_kept,
            "log_files_removed": result.log_files_removed,
            "bytes_freed": result.bytes_freed,
        }
    )


maintenance = dg.define_asset_job(
    "maintenance",
    selection=dg.AssetSelection.groups("operations"),
    description="What has to be done once a day, whatever is configured.",
)

maintenance_schedule = dg.ScheduleDefinition(
    name="maintenance_schedule",
    job=maintenance,
    cron_schedule="30 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

defs = dg.Definitions(assets=[retention], jobs=[maintenance], schedules=[maintenance_schedule])
