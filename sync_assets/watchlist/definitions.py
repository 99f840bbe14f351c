"""The watchlist's part of the asset graph."""

import dagster as dg

from sync_assets.settings import Settings
from sync_assets.watchlist.assets import build_assets
from sync_assets.watchlist.automation import build_job, build_sensor


def build_defs(settings: Settings) -> dg.Definitions:
    """Build the domain's definitions.

    Args:
        settings: The whole configuration. Where the watchlist is off, the assets are there, but no
            sensor.
    """
    job = build_job()
    return dg.Definitions(
        assets=build_assets(settings),
        jobs=[job],
        sensors=[build_sensor(settings, job)] if settings.watchlist.enabled else [],
    )
