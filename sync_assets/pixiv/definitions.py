"""The Pixiv domain's part of the asset graph."""

import dagster as dg

from sync_assets.pixiv.announcing import Announce
from sync_assets.pixiv.assets import build_assets
from sync_assets.pixiv.automation import (
    build_announce_job,
    build_schedule,
    build_sync_job,
    build_unannounced_sensor,
)
from sync_assets.pixiv.checks import build_checks
from sync_assets.settings import Settings


def build_defs(
    settings: Settings, announce: Announce, *, also: dg.AssetSelection
) -> dg.Definitions:
    """Build the domain's definitions.

    Args:
        settings: The whole configuration. Without an account the assets are there, but no
            schedule and no sensor.
        announce: Queues the posts of a work.
        also: Assets of other domains that a round ends with.
    """
    pixiv = settings.pixiv
    partitions = dg.StaticPartitionsDefinition(sorted(pixiv.accounts))
    sync_job = build_sync_job(also)
    announce_job = build_announce_job()
    return dg.Definitions(
        assets=build_assets(settings, partitions, announce),
        asset_checks=build_checks(settings),
        jobs=[sync_job, announce_job],
        schedules=[build_schedule(pixiv, sync_job)] if pixiv.accounts else [],
        sensors=[build_unannounced_sensor(pixiv, announce_job)] if pixiv.accounts else [],
    )
