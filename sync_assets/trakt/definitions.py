"""The Trakt domain's part of the asset graph."""

from typing import Any

import dagster as dg

from sync_assets.settings import Settings
from sync_assets.trakt.assets import build_assets
from sync_assets.trakt.automation import build_job, build_schedule, build_sensor
from sync_assets.trakt.checks import build_checks


def build_defs(settings: Settings, *, job: Any | None = None) -> dg.Definitions:
    """Build the domain's definitions.

    Args:
        settings: The whole configuration. Without an account the assets are there, but no
            schedule and no sensor.
        job: What sensor and schedule start: another domain's job that begins with
            `automation.build_selection`. Without it, `trakt_sync`.
    """
    own_job = build_job()
    job = job or own_job
    is_on = bool(settings.trakt.accounts)
    cron = settings.trakt.schedule
    return dg.Definitions(
        assets=build_assets(settings),
        asset_checks=build_checks(settings),
        jobs=[own_job],
        schedules=[build_schedule(settings, job, cron)] if is_on and cron else [],
        sensors=[build_sensor(settings, job)] if is_on else [],
    )
