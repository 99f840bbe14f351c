"""Episodes: from the first time that one is heard of until its file is on disk.

Holds their lifecycle and the only functions that write to the table. "New" means that an item has
no such episode yet, never that its number is greater than the last one.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Numeric, cast, func, select, update

from sync_assets.ledger.lifecycle import Lifecycle, UnknownSubjectError
from sync_assets.ledger.schema import watchlist_episodes
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.watchlist.models import OPEN_EPISODES, EpisodeState
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.store.texts import storable

_E = EpisodeState
_UNDECIDED = {_E.FOUND, _E.WANTED, _E.WAITING}
_DECLINED = {_E.SKIPPED, _E.HAD}

EPISODES = Lifecycle(
    "watchlist_episode",
    states=EpisodeState,
    initial={_E.EXPECTED, *_UNDECIDED, *_DECLINED},
    transitions={
        _E.EXPECTED: _UNDECIDED | _DECLINED,
        _E.FOUND: {_E.EXPECTED, _E.WANTED, _E.WAITING, _E.QUEUED} | _DECLINED,
        _E.WANTED: {_E.FOUND, _E.WAITING, _E.QUEUED, _E.FAILED} | _DECLINED,
        _E.WAITING: {_E.FOUND, _E.WANTED, _E.QUEUED, _E.FAILED} | _DECLINED,
        _E.QUEUED: {_E.WANTED, _E.DOWNLOADING, _E.DOWNLOADED, _E.FAILED} | _DECLINED,
        _E.DOWNLOADING: {_E.WANTED, _E.QUEUED, _E.DOWNLOADED, _E.FAILED} | _DECLINED,
        # A better version, or a file that is gone: once more.
        _E.DOWNLOADED: {_E.WANTED, _E.QUEUED} | _DECLINED,
        _E.FAILED: {_E.WANTED, _E.WAITING, _E.QUEUED, _E.DOWNLOADING, _E.DOWNLOADED} | _DECLINED,
        _E.SKIPPED: {_E.FOUND, _E.WANTED, _E.HAD},
        _E.HAD: {_E.FOUND, _E.WANTED, _E.SKIPPED},
    },
)
EPISODES.bind(watchlist_episodes)

LONGEST_TITLE = 500


@dataclass(frozen=True)
class SeenEpisode:
    """An episode that somebody speaks of: a provider, or the catalogue.

    Attributes:
        number: Which.
        state: The state that it begins in if it is new.
        title: Its own title.
        airs_at: When it is or was shown.
        reason: Why it begins in that state.
        not_before: Until when it waits, if it begins so.
    """

    number: EpisodeNumber
    state: EpisodeState = EpisodeState.FOUND
    title: str = ""
    airs_at: datetime | None = None
    reason: str | None = None
    not_before: datetime | None = None


def see(
    connection: Connection,
    item: AnyRow,
    seen: Sequence[SeenEpisode],
    *,
    run_id: str | None = None,
) -> list[int]:
    """Remember the episodes that are new, and what is newly known of the others.

    Nothing is ever forgotten because it is not among them, and no state is changed.

    Args:
        connection: A writing transaction of the ledger.
        item: The item's row.
        seen: The episodes.
        run_id: The Dagster run.

    Returns:
        The ids of the new ones, in order.
    """
    now = utc_now()
    known = {row.key: row for row in of_item(connection, item.id)}
    fresh: dict[str, Mapping[str, Any]] = {}
    for each in seen:
        key = each.number.key
        title = storable(each.title, longest=LONGEST_TITLE)
        if key in known:
            _learn(connection, known[key], title, each.airs_at)
            continue
        fresh.setdefault(
            key,
            {
                "item_id": item.id,
                "owner": item.owner,
                "key": key,
                "season": each.number.season,
                "number": each.number.number,
                "kind": str(each.number.kind),
                "title": title,
                "state": str(each.state),
                "first_seen_at": now,
                "airs_at": each.airs_at,
                "reason": each.reason,
                "not_before": each.not_before,
            },
        )
    created = EPISODES.create(
        connection, list(fresh.values()), unique=["item_id", "key"], run_id=run_id
    )
    return [episode_id for episode_id in created if episode_id is not None]


def get(connection: Connection, episode_id: int) -> AnyRow:
    """Return an episode.

    Args:
        connection: A transaction of the ledger.
        episode_id: Which.

    Raises:
        UnknownSubjectError: There is none.
    """
    query = select(watchlist_episodes).where(watchlist_episodes.c.id == episode_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _unknown(episode_id)
    return row


def owned(connection: Connection, owner: str, item_id: int, episode_id: int) -> AnyRow:
    """Return an episode of a user's item.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
        item_id: The item.
        episode_id: Which.

    Raises:
        UnknownSubjectError: There is none, or it is another item's or user's.
    """
    row = get(connection, episode_id)
    if row.owner != owner or row.item_id != item_id:
        raise _unknown(episode_id)
    return row


def of_item(connection: Connection, item_id: int) -> Sequence[AnyRow]:
    """Return all episodes of an item, by season and number.

    Args:
        connection: A transaction of the ledger.
        item_id: The item.
    """
    columns = watchlist_episodes.c
    query = (
        select(watchlist_episodes)
        .where(columns.item_id == item_id)
        .order_by(
            columns.kind,
            func.coalesce(columns.season, -1),
            cast(columns.number, Numeric).nulls_first(),
            columns.id,
        )
    )
    return connection.execute(query).all()


def in_state(
    connection: Connection, *states: EpisodeState, item_id: int | None = None
) -> Sequence[AnyRow]:
    """Return the episodes that are in some states, those that were seen first before others.

    Args:
        connection: A transaction of the ledger.
        *states: The states.
        item_id: Only of this item; None for those of all.
    """
    columns = watchlist_episodes.c
    query = select(watchlist_episodes).where(columns.state.in_(states)).order_by(columns.id)
    if item_id is not None:
        query = query.where(columns.item_id == item_id)
    return connection.execute(query).all()


def keys_in_state(
    connection: Connection, owner: str, *states: EpisodeState
) -> Mapping[int, Mapping[str, list[str]]]:
    """Return the keys of a user's episodes that are in some states, by item and state.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
        *states: The states.
    """
    columns = watchlist_episodes.c
    query = select(columns.item_id, columns.state, columns.key).where(
        columns.owner == owner, columns.state.in_(states)
    )
    keys: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for item_id, state, key in connection.execute(query):
        keys[item_id][state].append(key)
    return keys


def open_count(connection: Connection, owner: str | None = None) -> int:
    """Count the episodes that the relay is at work on.

    Args:
        connection: A transaction of the ledger.
        owner: Only this user's; None for those of all users.
    """
    columns = watchlist_episodes.c
    query = select(func.count()).where(columns.state.in_(OPEN_EPISODES))
    if owner is not None:
        query = query.where(columns.owner == owner)
    return connection.execute(query).scalar_one()


def move(  # noqa: PLR0913 - all but three are named
    connection: Connection,
    episode_id: int,
    state: EpisodeState,
    *,
    expected: Collection[EpisodeState] | None = None,
    run_id: str | None = None,
    reason: str | None = None,
    **changes: Any,
) -> AnyRow:
    """Bring an episode into a state; in the same one again, only the columns are set.

    Args:
        connection: A writing transaction of the ledger.
        episode_id: Which.
        state: The state.
        expected: The states that the caller believes it may be in; without it, any.
        run_id: The Dagster run; None for a user.
        reason: Why it is in this state, for people; without it, none.
        **changes: Other columns to set.

    Returns:
        The row after the change.
    """
    row = get(connection, episode_id)
    if row.state == state:
        return _set(connection, episode_id, reason=reason, **changes)
    return EPISODES.transition(
        connection,
        episode_id,
        state,
        expected=expected,
        run_id=run_id,
        detail={"item_id": row.item_id} | ({"reason": reason} if reason else {}),
        reason=reason,
        **changes,
    )


def note(connection: Connection, episode_id: int, **changes: Any) -> None:
    """Set what says nothing of an episode's state, such as `watched_at` or `notified_at`.

    Args:
        connection: A writing transaction of the ledger.
        episode_id: Which.
        **changes: Columns by name.
    """
    _set(connection, episode_id, **changes)


def _learn(connection: Connection, row: AnyRow, title: str, airs_at: datetime | None) -> None:
    changes: dict[str, Any] = {}
    if title and not row.title:
        changes["title"] = title
    if airs_at is not None and airs_at != row.airs_at:
        changes["airs_at"] = airs_at
    if changes:
        _set(connection, row.id, **changes)


def _set(connection: Connection, episode_id: int, **changes: Any) -> AnyRow:
    return connection.execute(
        update(watchlist_episodes)
        .where(watchlist_episodes.c.id == episode_id)
        .values(**changes)
        .returning(*watchlist_episodes.c)
    ).one()


def _unknown(episode_id: int) -> UnknownSubjectError:
    return UnknownSubjectError(
        f"There is no episode {episode_id}.", remedy="Check the id; its item may be deleted."
    )
