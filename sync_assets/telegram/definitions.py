"""The Telegram domain's part of the asset graph."""

from collections.abc import Mapping, Sequence

import dagster as dg

from sync_assets.settings import Settings
from sync_assets.telegram.assets import build_assets
from sync_assets.telegram.automation import build_job, build_sensor
from sync_assets.telegram.checks import build_checks


def build_defs(settings: Settings, chats: Mapping[str, Sequence[str]]) -> dg.Definitions:
    """Build the domain's definitions.

    Args:
        settings: The whole configuration. Without a bot the asset is there, but no sensor.
        chats: The accounts whose files are posted, each with its chats.
    """
    partitions = dg.StaticPartitionsDefinition(sorted(chats))
    job = build_job()
    telegram = settings.telegram
    return dg.Definitions(
        assets=build_assets(settings, partitions, chats),
        asset_checks=build_checks(chats),
        jobs=[job],
        sensors=[build_sensor(telegram, job, chats)] if telegram.is_configured else [],
    )
