"""The Bangumi domain's part of the asset graph."""

from typing import Any

import dagster as dg

from sync_assets.bangumi.assets import build_assets
from sync_assets.bangumi.automation import (
    build_custom_job,
    build_custom_sensor,
    build_schedule,
)
from sync_assets.bangumi.checks import build_checks
from sync_assets.settings import Settings


def build_defs(settings: Settings, job: Any) -> dg.Definitions:
    """Build the domain's definitions.

    Args:
        settings: The whole configuration. Without an account the assets are there, but no
            schedule; without a user of a media server there is no sensor.
        job: The job from Trakt to Bangumi; see `automation.build_job`.
    """
    bangumi, custom_job = settings.bangumi, build_custom_job()
    return dg.Definitions(
        assets=build_assets(settings, dg.StaticPartitionsDefinition(settings.watching_accounts)),
        asset_checks=build_checks(bangumi),
        jobs=[job, custom_job],
        schedules=[build_schedule(bangumi, job)] if bangumi.accounts else [],
        sensors=[build_custom_sensor(bangumi, custom_job)] if bangumi.custom.users else [],
    )
