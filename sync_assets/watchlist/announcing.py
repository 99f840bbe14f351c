"""New episodes that nobody was told of yet: for notifications, which are sent elsewhere.

What an item's first look finds was there before, and counts as told.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from sync_assets.ledger.schema import watchlist_episodes, watchlist_items, watchlist_settings
from sync_assets.ledger.types import utc_now
from sync_assets.watchlist.deciding import number_of
from sync_assets.watchlist.models import EpisodeState
from sync_assets.watchlist.numbering import EpisodeNumber

_NOT_YET = (EpisodeState.EXPECTED,)


@dataclass(frozen=True)
class NewEpisode:
    """An episode to tell of.

    Attributes:
        episode_id: Which; `mark_announced` wants it.
        item_id: Its item.
        owner: Whom to tell.
        title: The item's title.
        episode: Which episode of it.
        first_seen_at: When it was found.
    """

    episode_id: int
    item_id: int
    owner: str
    title: str
    episode: EpisodeNumber
    first_seen_at: datetime


def unannounced(connection: Connection, *, limit: int = 1_000) -> Sequence[NewEpisode]:
    """Return the new episodes whose users want to be told, the oldest first.

    Args:
        connection: A transaction of the ledger.
        limit: The most episodes.
    """
    columns, items = watchlist_episodes.c, watchlist_items.c
    is_wanted = func.coalesce(watchlist_settings.c.notify_on_new_episodes, True)
    query = (
        select(watchlist_episodes, items.title.label("item_title"))
        .join(watchlist_items, items.id == columns.item_id)
        .outerjoin(watchlist_settings, watchlist_settings.c.owner == columns.owner)
        .where(columns.notified_at.is_(None), columns.state.not_in(_NOT_YET), is_wanted)
        .order_by(columns.id)
        .limit(limit)
    )
    return [
        NewEpisode(
            row.id, row.item_id, row.owner, row.item_title, number_of(row), row.first_seen_at
        )
        for row in connection.execute(query)
    ]


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
