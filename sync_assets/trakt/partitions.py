"""How Trakt's assets are partitioned: by account, and the history by month as well."""

from datetime import UTC, datetime

import dagster as dg

from sync_assets.settings import Settings

ACCOUNT, MONTH = "account", "month"
"""The dimensions; Dagster joins keys by the order of these names: `alice|2026-11`."""


def account_partitions(settings: Settings) -> dg.StaticPartitionsDefinition:
    """Return one partition per account, those of Bangumi included.

    Args:
        settings: The whole configuration.
    """
    return dg.StaticPartitionsDefinition(settings.watching_accounts)


def history_partitions(settings: Settings) -> dg.MultiPartitionsDefinition:
    """Return one partition per account and month; a new month appears when it begins.

    Args:
        settings: The whole configuration.
    """
    start = datetime.strptime(settings.trakt.first_month, "%Y-%m").replace(tzinfo=UTC)
    months = dg.TimeWindowPartitionsDefinition(
        start=start, fmt="%Y-%m", cron_schedule="0 0 1 * *", end_offset=1
    )
    return dg.MultiPartitionsDefinition({ACCOUNT: account_partitions(settings), MONTH: months})
