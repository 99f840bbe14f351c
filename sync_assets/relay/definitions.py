"""The relay's part of the asset graph."""

import dagster as dg

from sync_assets.relay.assets import build_assets
from sync_assets.relay.automation import build_job, build_sensor
from sync_assets.relay.checks import build_checks
from sync_assets.settings import Settings


def build_defs(settings: Settings) -> dg.Definitions:
    """Build the domain's definitions.

    Args:
        settings: The whole configuration. Where the relay is off, the assets are there, but no
            sensor.
    """
    job = build_job()
    return dg.Definitions(
        assets=build_assets(settings),
        asset_checks=build_checks(settings),
        jobs=[job],
        sensors=[build_sensor(settings.relay, job)] if settings.relay.enabled else [],
    )
