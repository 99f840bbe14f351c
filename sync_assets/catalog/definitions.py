"""The catalogue's part of the asset graph: the asset, its job and its weekly schedule."""

import dagster as dg

from sync_assets.catalog.assets import build_asset
from sync_assets.catalog.reporting import DOMAIN
from sync_assets.settings import Settings


def build_defs(settings: Settings) -> dg.Definitions:
    """Build the domain's definitions.

    Args:
        settings: The whole configuration. Where the catalogue is off, the asset is there, but no
            schedule.
    """
    job = dg.define_asset_job(
        "catalog_refresh",
        selection=dg.AssetSelection.groups(DOMAIN),
        description="Fetch the mapping sources that changed and compile the catalogue anew.",
    )
    schedule = dg.ScheduleDefinition(
        name="catalog_refresh_schedule",
        job=job,
        cron_schedule=settings.catalog.schedule,
        execution_timezone=settings.catalog.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The refresh of the catalogue.",
    )
    return dg.Definitions(
        assets=[build_asset(settings)],
        jobs=[job],
        schedules=[schedule] if settings.catalog.enabled else [],
    )
