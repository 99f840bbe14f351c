"""The Bangumi domain's part of the asset graph."""

import dagster as dg

from sync_assets.bangumi.assets import build_assets
from sync_assets.bangumi.automation import build_job, build_schedule
from sync_assets.bangumi.checks import build_checks
from sync_assets.settings import Settings


def build_defs(settings: Settings) -> dg.Definitions:
    """Build the domain's definitions.

    Args:
        settings: The whole configuration. Without an account the assets are there, but no
            schedule.
    """
    bangumi = settings.bangumi
    job = build_job()
    return dg.Definitions(
        assets=build_assets(settings, dg.StaticPartitionsDefinition(sorted(bangumi.accounts))),
        asset_checks=build_checks(bangumi),
        jobs=[job],
        schedules=[build_schedule(bangumi, job)] if bangumi.accounts else [],
    )
