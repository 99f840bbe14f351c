"""What a user watches, searched, sorted and counted.

One user's items are few: they are compared here and not in the database, whose idea of upper and
lower case differs from one to the other, and ends at ASCII in SQLite.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select

from sync_assets.ledger.schema import watchlist_episodes, watchlist_items
from sync_assets.ledger.types import AnyRow
from sync_assets.watchlist.models import ItemState

_BEGINNING = datetime.min.replace(tzinfo=UTC)


class SortKey(StrEnum):
    """What items can be sorted by."""

    TITLE = "title"
    CREATED = "created_at"
    CHANGED = "changed_at"
    CHECKED = "last_checked_at"
    NEXT_CHECK = "next_check_at"


@dataclass(frozen=True)
class ItemFilter:
    """Which items are wanted, and in which order.

    Attributes:
        states: Only in one of these; none for all.
        provider: Only of this provider.
        language: Only of this language.
        text: Only where the title or a genre holds this, whatever its case and width.
        sort: What they are sorted by.
        is_descending: Whether the last one comes first.
    """

    states: frozenset[ItemState] = frozenset()
    provider: str | None = None
    language: str | None = None
    text: str = ""
    sort: SortKey = SortKey.TITLE
    is_descending: bool = False


@dataclass(frozen=True)
class FoundItem:
    """An item with what belongs to it.

    Attributes:
        row: Its row.
        episodes: How many episodes it has in each state.
    """

    row: AnyRow
    episodes: Mapping[str, int] = field(default_factory=dict)


def search(
    connection: Connection, owner: str, wanted: ItemFilter, *, limit: int, offset: int
) -> tuple[int, list[FoundItem]]:
    """Return a page of a user's items.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
        wanted: Which items, in which order.
        limit: The most items.
        offset: How many to leave out at the beginning.

    Returns:
        How many there are altogether, and the page.
    """
    fitting = [row for row in of_owner(connection, owner) if _fits(row, wanted)]
    fitting.sort(key=_sort_key(wanted.sort), reverse=wanted.is_descending)
    return len(fitting), with_counts(connection, fitting[offset : offset + limit])


def of_owner(connection: Connection, owner: str) -> Sequence[AnyRow]:
    """Return all items of a user, the oldest first.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
    """
    columns = watchlist_items.c
    query = select(watchlist_items).where(columns.owner == owner).order_by(columns.id)
    return connection.execute(query).all()


def with_counts(connection: Connection, rows: Sequence[AnyRow]) -> list[FoundItem]:
    """Add to items how many episodes they have.

    Args:
        connection: A transaction of the ledger.
        rows: The items.
    """
    columns = watchlist_episodes.c
    query = (
        select(columns.item_id, columns.state, func.count())
        .where(columns.item_id.in_([row.id for row in rows]))
        .group_by(columns.item_id, columns.state)
    )
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for item_id, state, count in connection.execute(query):
        counts[item_id][state] = count
    return [FoundItem(row, counts[row.id]) for row in rows]


@dataclass(frozen=True)
class Statistics:
    """A user's numbers.

    Attributes:
        total: Items.
        by_status: Items in each state.
        by_provider: Items of each provider.
        by_outcome: Items by what became of their last check; `never` for none.
        episodes: Episodes in each state.
        watched: Episodes that were watched.
    """

    total: int
    by_status: Mapping[str, int]
    by_provider: Mapping[str, int]
    by_outcome: Mapping[str, int]
    episodes: Mapping[str, int]
    watched: int


def statistics(connection: Connection, owner: str) -> Statistics:
    """Count what a user watches.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
    """
    items, episodes = watchlist_items.c, watchlist_episodes.c

    def counted(column: Any, mine: Any) -> dict[str, int]:
        query = select(column, func.count()).where(mine).group_by(column).order_by(column)
        return {name or "never": count for name, count in connection.execute(query)}

    by_status = counted(items.state, items.owner == owner)
    watched = select(func.count()).where(episodes.owner == owner, episodes.watched_at.is_not(None))
    return Statistics(
        total=sum(by_status.values()),
        by_status={str(state): by_status.get(state, 0) for state in ItemState},
        by_provider=counted(items.provider, items.owner == owner),
        by_outcome=counted(items.last_outcome, items.owner == owner),
        episodes=counted(episodes.state, episodes.owner == owner),
        watched=connection.execute(watched).scalar_one(),
    )


def folded(text: str) -> str:
    """Return a text for comparing: without case, and without the widths of CJK keyboards.

    Args:
        text: The text.
    """
    return unicodedata.normalize("NFKC", text).casefold()


def _fits(row: AnyRow, wanted: ItemFilter) -> bool:
    text = folded(wanted.text)
    return (
        (not wanted.states or row.state in wanted.states)
        and (wanted.provider is None or row.provider == wanted.provider)
        and (wanted.language is None or row.language == wanted.language)
        and (not text or any(text in folded(each) for each in (row.title, *row.genres)))
    )


def _sort_key(sort: SortKey) -> Callable[[AnyRow], tuple[Any, int]]:
    if sort is SortKey.TITLE:
        return lambda row: (folded(row.title), row.id)
    return lambda row: (getattr(row, sort) or _BEGINNING, row.id)
