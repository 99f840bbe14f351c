"""Count items and episodes, for Dagster's metadata and `/health`."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from sync_assets.ledger.schema import watchlist_checks, watchlist_episodes, watchlist_items
from sync_assets.watchlist.models import OPEN_EPISODES, CheckOutcome, EpisodeState, ItemState

_BROKEN = (CheckOutcome.BROKEN, CheckOutcome.BLOCKED)
_FETCHED = (*OPEN_EPISODES, EpisodeState.DOWNLOADED, EpisodeState.FAILED)


@dataclass(frozen=True)
class ItemCounts:
    """Where an item stands.

    Attributes:
        state: Its state.
        outcome: What became of its last check; empty before the first one.
        found: How many episodes its provider listed then.
        new: How many of them were not known.
        queued: How many downloads the check began.
        errors: What went wrong with releases and episodes.
        episodes: Its episodes by state.
        watched: How many of them are watched.
    """

    state: str
    outcome: str = ""
    found: int = 0
    new: int = 0
    queued: int = 0
    errors: int = 0
    episodes: Mapping[str, int] = field(default_factory=dict)
    watched: int = 0

    def item_metadata(self) -> dict[str, str | int]:
        """Return what the last check was, by the names in Dagster's metadata."""
        return {
            "state": self.state,
            "outcome": self.outcome,
            "found": self.found,
            "new": self.new,
            "queued": self.queued,
            "errors": self.errors,
        }

    def episode_metadata(self) -> dict[str, int]:
        """Return the numbers of episodes by their names in Dagster's metadata."""
        total = sum(self.episodes.values())
        return {"episodes": total, "watched": self.watched, **self._counts(EpisodeState)}

    def download_metadata(self) -> dict[str, int]:
        """Return the numbers of downloads by their names in Dagster's metadata."""
        return self._counts(_FETCHED)

    def _counts(self, states: Collection[EpisodeState]) -> dict[str, int]:
        return {state.value: self.episodes.get(state, 0) for state in states}


def count_items(connection: Connection, item_ids: Collection[int]) -> dict[int, ItemCounts]:
    """Count the episodes of items.

    Args:
        connection: A transaction of the ledger.
        item_ids: Which; those that are deleted are left out.
    """
    items, episodes, checks = (watchlist_items.c, watchlist_episodes.c, watchlist_checks.c)
    newest = select(func.max(checks.id)).group_by(checks.item_id).scalar_subquery()
    rows = connection.execute(
        select(watchlist_items.c.id, items.state, *(checks[name] for name in _CHECK_COLUMNS))
        .outerjoin(watchlist_checks, (checks.item_id == items.id) & checks.id.in_(newest))
        .where(items.id.in_(item_ids))
    ).all()
    by_state: dict[int, Counter[str]] = {}
    watched: Counter[int] = Counter()
    query = (
        select(
            episodes.item_id,
            episodes.state,
            func.count().label("count"),
            func.count(episodes.watched_at).label("watched"),
        )
        .where(episodes.item_id.in_(item_ids))
        .group_by(episodes.item_id, episodes.state)
    )
    for row in connection.execute(query):
        by_state.setdefault(row.item_id, Counter())[row.state] += row[2]
        watched[row.item_id] += row.watched
    return {
        row.id: ItemCounts(
            state=row.state,
            outcome=row.outcome or "",
            found=row.found or 0,
            new=row.new or 0,
            queued=row.queued or 0,
            errors=row.errors or 0,
            episodes=by_state.get(row.id, {}),
            watched=watched[row.id],
        )
        for row in rows
    }


_CHECK_COLUMNS = ("outcome", "found", "new", "queued", "errors")


def count_all(connection: Connection) -> dict[str, int]:
    """Count items and episodes of all users, by metric name.

    Args:
        connection: A transaction of the ledger.
    """
    items, episodes = watchlist_items.c, watchlist_episodes.c
    by_item = dict(
        connection.execute(select(items.state, func.count()).group_by(items.state)).all()
    )
    by_episode = dict(
        connection.execute(select(episodes.state, func.count()).group_by(episodes.state)).all()
    )
    query = select(func.count()).where(
        items.state == ItemState.ACTIVE, items.last_outcome.in_(_BROKEN)
    )
    return {
        "watchlist_items": sum(by_item.values()),
        "watchlist_active": by_item.get(ItemState.ACTIVE, 0),
        "watchlist_broken": connection.execute(query).scalar_one(),
        "watchlist_open": sum(by_episode.get(state, 0) for state in OPEN_EPISODES),
        "watchlist_downloaded": by_episode.get(EpisodeState.DOWNLOADED, 0),
        "watchlist_failed": by_episode.get(EpisodeState.FAILED, 0),
    }


def existing_items(connection: Connection) -> list[int]:
    """Return the ids of all items of all users.

    Args:
        connection: A transaction of the ledger.
    """
    return list(connection.execute(select(watchlist_items.c.id)).scalars())
