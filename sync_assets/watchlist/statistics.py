"""Numbers over time: how many episodes were found and downloaded, week by week."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from sync_assets.ledger.schema import watchlist_episodes, watchlist_items
from sync_assets.ledger.types import AnyRow
from sync_assets.watchlist.models import EpisodeState

_NOT_FOUND = (EpisodeState.EXPECTED, EpisodeState.HAD)
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Week:
    """A week, from Monday, in UTC.

    Attributes:
        monday: Its first day.
        found: Episodes that were offered for the first time.
        downloaded: Episodes whose file was there.
    """

    monday: date
    found: int
    downloaded: int


def weeks(connection: Connection, owner: str, today: date, *, count: int) -> Sequence[Week]:
    """Count a user's episodes of the last weeks, the oldest week first.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
        today: The day; its week is the last one.
        count: How many weeks.
    """
    columns = watchlist_episodes.c
    this_monday = today - timedelta(days=today.weekday())
    mondays = [this_monday - _WEEK * back for back in reversed(range(count))]
    found = _by_week(
        connection, owner, columns.first_seen_at, mondays[0], columns.state.not_in(_NOT_FOUND)
    )
    downloaded = _by_week(connection, owner, columns.downloaded_at, mondays[0])
    return [Week(monday, found[monday], downloaded[monday]) for monday in mondays]


def most_downloaded(connection: Connection, owner: str, *, limit: int) -> Sequence[AnyRow]:
    """Return the items of which the most episodes were downloaded, with `id`, `title`, `count`.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
        limit: The most items.
    """
    episodes, items = watchlist_episodes.c, watchlist_items.c
    query = (
        select(items.id, items.title, func.count().label("count"))
        .join(watchlist_episodes, episodes.item_id == items.id)
        .where(items.owner == owner, episodes.downloaded_at.is_not(None))
        .group_by(items.id, items.title)
        .order_by(func.count().desc(), items.id)
        .limit(limit)
    )
    return connection.execute(query).all()


def _by_week(
    connection: Connection, owner: str, moment: Any, first: date, *conditions: Any
) -> Counter[date]:
    # Counted here: the databases have no common idea of a week.
    query = select(moment).where(
        watchlist_episodes.c.owner == owner,
        moment >= datetime.combine(first, time.min, UTC),
        *conditions,
    )
    days = (at.date() for at in connection.execute(query).scalars())
    return Counter(day - timedelta(days=day.weekday()) for day in days)
