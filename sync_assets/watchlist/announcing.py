"""Tell users of new episodes, each once.

What an item's first look finds was there before, and counts as told.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, func, select, update

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import watchlist_episodes, watchlist_items, watchlist_settings
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.ops.notifications import NotificationKind, notify
from sync_assets.watchlist.models import EpisodeState
from sync_assets.watchlist.publishing import heading

_NOT_YET = (EpisodeState.EXPECTED,)
_MOST_AT_ONCE = 1_000


def announce(ledger: Ledger) -> int:
    """Queue a notification of each new episode whose user wants to be told.

    Killed in between it tells nothing twice: a notification of the same episode is the same one.

    Args:
        ledger: The ledger.

    Returns:
        How many episodes.
    """
    with ledger.read() as connection:
        new = _unannounced(connection)
    for episode in new:
        notify(
            ledger,
            NotificationKind.NEW_EPISODES,
            f"watchlist_episode/{episode.id}",
            f"New: {heading(episode)}",
            f"On the watchlist of {episode.owner}.",
        )
    if new:
        with ledger.write() as connection:
            mark_announced(connection, [episode.id for episode in new])
    return len(new)


def mark_announced(connection: Connection, episode_ids: Collection[int]) -> None:
    """Write that users were told of episodes.

    Args:
        connection: A writing transaction of the ledger.
        episode_ids: Which.
    """
    connection.execute(
        update(watchlist_episodes)
        .where(watchlist_episodes.c.id.in_(episode_ids))
        .values(notified_at=utc_now())
    )


def _unannounced(connection: Connection) -> Sequence[AnyRow]:
    columns, items = watchlist_episodes.c, watchlist_items.c
    is_wanted = func.coalesce(watchlist_settings.c.notify_on_new_episodes, True)
    query = (
        select(watchlist_episodes, items.title.label("item_title"))
        .join(watchlist_items, items.id == columns.item_id)
        .outerjoin(watchlist_settings, watchlist_settings.c.owner == columns.owner)
        .where(columns.notified_at.is_(None), columns.state.not_in(_NOT_YET), is_wanted)
        .order_by(columns.id)
        .limit(_MOST_AT_ONCE)
    )
    return connection.execute(query).all()
