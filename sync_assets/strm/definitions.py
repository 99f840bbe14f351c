"""The STRM domain's part of the asset graph."""

import dagster as dg

from sync_assets.settings import Settings
from sync_assets.strm.assets import build_assets
from sync_assets.strm.automation import (
    build_approval_job,
    build_events_job,
    build_events_sensor,
    build_full_job,
    build_incremental_job,
    build_schedule,
)
from sync_assets.strm.checks import build_checks


def build_defs(settings: Settings) -> dg.Definitions:
    """Build the domain's definitions.

    Args:
        settings: The whole configuration. Without a job the assets are there, but no schedule and
            no sensor.
    """
    partitions = dg.StaticPartitionsDefinition(sorted(settings.strm.jobs))
    full_job = build_full_job()
    events_job = build_events_job()
    return dg.Definitions(
        assets=build_assets(settings, partitions),
        asset_checks=build_checks(settings.strm.jobs.keys()),
        jobs=[full_job, build_incremental_job(), build_approval_job(), events_job],
        schedules=[build_schedule(settings.strm, full_job)] if settings.strm.jobs else [],
        sensors=[build_events_sensor(events_job)] if settings.strm.jobs else [],
    )
