"""Whether a run of the watchlist would find anything to do, for whoever can start one."""

from sqlalchemy import Connection

from sync_assets.settings.watchlist import WatchlistSettings
from sync_assets.watchlist import schedule
from sync_assets.watchlist.following import has_news
from sync_assets.watchlist.queueing import ready_items


def has_work(connection: Connection, settings: WatchlistSettings) -> bool:
    """Whether an item is due, an episode can be queued, or a download has come to an end.

    Args:
        connection: A transaction of the ledger.
        settings: The configuration of the watchlist.
    """
    return (
        bool(schedule.due(connection, limit=1))
        or bool(ready_items(connection, settings))
        or has_news(connection)
    )
