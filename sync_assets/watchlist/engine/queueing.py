"""Give chosen releases to the relay: each episode once, and never more at a time than wished.

The download and the episodes' state are written in one transaction: whatever is killed when, an
episode that is queued has its download, and one that is not has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from sync_assets import relay
from sync_assets.errors import SyncError
from sync_assets.ledger.schema import watchlist_episodes
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay.models import WATCHLIST_SOURCE
from sync_assets.settings.watchlist import WatchlistSettings
from sync_assets.watchlist.engine.choosing import Decision
from sync_assets.watchlist.engine.deciding import Situation, number_of
from sync_assets.watchlist.engine.fetching import Fetchable, ReleaseUnavailableError
from sync_assets.watchlist.library.naming import EpisodeFile, name_of
from sync_assets.watchlist.models import OPEN_EPISODES, EpisodeState
from sync_assets.watchlist.store import episodes, releases, user_settings

_E = EpisodeState
_TO_BE_TAKEN = (_E.FOUND, _E.WANTED, _E.WAITING, _E.FAILED)
_NO_ROOM = "As many downloads are under way as the settings allow; it is the next one's turn."
_LATER = timedelta(hours=1)


@dataclass(frozen=True)
class Prepared:
    """A decision, and what the relay gets for it.

    Attributes:
        decision: What is to be taken.
        fetchable: What the relay gets; None where it cannot be had.
        error: Why it cannot be had.
    """

    decision: Decision
    fetchable: Fetchable | None = None
    error: ReleaseUnavailableError | None = None


def free_places(connection: Connection, owner: str, settings: WatchlistSettings) -> int:
    """Return how many more downloads of a user may be under way.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
        settings: The configuration of the watchlist, with the limit of all users together.
    """
    columns = watchlist_episodes.c
    # A batch is one download of several episodes.
    query = select(func.count(columns.media_id.distinct())).where(columns.state.in_(OPEN_EPISODES))
    everybodys = connection.execute(query).scalar_one()
    users = connection.execute(query.where(columns.owner == owner)).scalar_one()
    allowed = user_settings.read(connection, owner).max_concurrent_auto_downloads
    return max(0, min(allowed - users, settings.max_concurrent_auto_downloads - everybodys))


def queue(
    connection: Connection,
    situation: Situation,
    prepared: Sequence[Prepared],
    settings: WatchlistSettings,
    *,
    run_id: str | None,
) -> int:
    """Queue what was prepared, as far as it is still to be taken.

    Args:
        connection: A writing transaction of the ledger.
        situation: Where the item stood when it was decided.
        prepared: What is to be taken.
        settings: The configuration of the watchlist.
        run_id: The Dagster run.

    Returns:
        How many downloads were queued.
    """
    queued = 0
    places = free_places(connection, situation.item.owner, settings)
    for each in prepared:
        rows = _still_to_take(connection, situation, each.decision)
        if not rows:
            continue
        if each.error is not None:
            _put_off(connection, situation, each, rows, settings, run_id=run_id)
        elif places == 0:
            # Another item was faster.
            wait_for_room(connection, situation, each.decision, run_id=run_id)
        elif _enqueue(connection, situation, each, rows, settings, run_id=run_id):
            places -= 1
            queued += 1
    return queued


def wait_for_room(
    connection: Connection, situation: Situation, decision: Decision, *, run_id: str | None
) -> None:
    """Write that an item has more to take than there is room for.

    Its next episodes say so; the rest is decided when it is their turn.

    Args:
        connection: A writing transaction of the ledger.
        situation: Where the item stands.
        decision: What is next.
        run_id: The Dagster run.
    """
    if decision.is_replacement:
        return
    for row in _still_to_take(connection, situation, decision):
        if row.state != _E.WANTED:
            episodes.move(
                connection, row.id, _E.WANTED, run_id=run_id, reason=_NO_ROOM, not_before=None
            )


def postpone(connection: Connection, item: AnyRow, settings: WatchlistSettings) -> None:
    """Put off what could not be moved although its time has come: nobody may offer it.

    Args:
        connection: A writing transaction of the ledger.
        item: The item's row.
        settings: The configuration of the watchlist.
    """
    has_room = free_places(connection, item.owner, settings) > 0
    for row in connection.execute(ready_episodes(item.id)).all():
        if has_room or row.state != _E.WANTED:
            episodes.note(connection, row.id, not_before=utc_now() + _LATER)


def ready_episodes(item_id: int | None = None) -> Select[tuple[Any, ...]]:
    """Return the query for episodes whose time has come, as far as there is room for them.

    Args:
        item_id: Only those of this item.
    """
    columns, now = watchlist_episodes.c, utc_now()
    query = select(watchlist_episodes)
    if item_id is not None:
        query = query.where(columns.item_id == item_id)
    return query.where(
        or_(
            and_(columns.state.in_((_E.WAITING, _E.FAILED)), columns.not_before <= now),
            and_(
                columns.state == _E.WANTED,
                or_(columns.not_before.is_(None), columns.not_before <= now),
            ),
        )
    )


def ready_items(connection: Connection, settings: WatchlistSettings) -> Sequence[int]:
    """Return the items of which something can be queued, the oldest episodes first.

    Args:
        connection: A transaction of the ledger.
        settings: The configuration of the watchlist.
    """
    rows = connection.execute(ready_episodes().order_by(watchlist_episodes.c.id)).all()
    owners = {row.owner for row in rows}
    with_room = {each for each in owners if free_places(connection, each, settings) > 0}
    found = (row.item_id for row in rows if row.state != _E.WANTED or row.owner in with_room)
    return list(dict.fromkeys(found))


def failed(
    connection: Connection,
    row: AnyRow,
    reason: str,
    settings: WatchlistSettings,
    *,
    run_id: str | None,
) -> None:
    """Write that an episode could not be had from its release; another one may still do.

    Args:
        connection: A writing transaction of the ledger.
        row: The episode.
        reason: Why, with what to do.
        settings: The configuration of the watchlist.
        run_id: The Dagster run.
    """
    attempts = row.attempts + 1
    choosing = settings.choosing
    if row.state == _E.FOUND:
        # Nothing that was not wanted can fail.
        episodes.move(connection, row.id, _E.WANTED, run_id=run_id)
    may_return = attempts < choosing.max_attempts
    pause = timedelta(hours=choosing.retry_hours)
    episodes.move(
        connection,
        row.id,
        # Of a correction that failed, the earlier version is here still.
        _E.DOWNLOADED if row.path is not None else _E.FAILED,
        run_id=run_id,
        reason=reason,
        attempts=attempts,
        not_before=utc_now() + pause if may_return else None,
    )


def episode_file(item: AnyRow, row: AnyRow, release: AnyRow | None) -> EpisodeFile:
    """Return what the name of an episode's file can tell.

    Args:
        item: The item's row.
        row: The episode's row.
        release: The row of the release that it is from; None where it is forgotten.
    """
    return EpisodeFile(
        title=item.title,
        episode=number_of(row),
        episode_title=row.title,
        version=release.version if release is not None else row.version,
        resolution=release.resolution if release is not None else row.resolution,
        group=release.release_group if release is not None else None,
        language=release.language if release is not None else item.language,
    )


def _still_to_take(
    connection: Connection, situation: Situation, decision: Decision
) -> list[AnyRow]:
    """Return the episodes of a decision that nobody has queued or declined meanwhile."""
    states = (_E.DOWNLOADED,) if decision.is_replacement else _TO_BE_TAKEN
    ids = [situation.episodes[each].id for each in decision.episodes if each in situation.episodes]
    columns = watchlist_episodes.c
    query = select(watchlist_episodes).where(columns.id.in_(ids), columns.state.in_(states))
    return list(connection.execute(query.order_by(columns.id)))


def _enqueue(  # noqa: PLR0913 - all but four are named
    connection: Connection,
    situation: Situation,
    prepared: Prepared,
    rows: Sequence[AnyRow],
    settings: WatchlistSettings,
    *,
    run_id: str | None,
) -> bool:
    offer, fetchable = prepared.decision.offer, prepared.fetchable
    assert offer is not None  # noqa: S101 - decisions to take have one
    assert fetchable is not None  # noqa: S101 - the caller looked
    release = situation.releases[offer.key]
    try:
        wanted = relay.enqueue(
            connection,
            source=WATCHLIST_SOURCE,
            key=f"{situation.item.id}:{release.id}",
            link=fetchable.link,
            torrent=fetchable.torrent,
            name=_file_name(situation.item, rows, release, fetchable, settings),
            # The relay removes what it has uploaded, and might before it is in the library.
            targets=None if settings.library.directory is None else (),
            run_id=run_id,
        )
    except SyncError as error:
        # The relay takes no such link or torrent: as with one that it could not download.
        releases.failed(connection, release.id, str(error))
        for row in rows:
            failed(connection, row, str(error), settings, run_id=run_id)
        return False
    relay.try_again(connection, wanted.media_id, run_id=run_id)
    for row in rows:
        episodes.move(
            connection,
            row.id,
            _E.QUEUED,
            run_id=run_id,
            reason=prepared.decision.reason,
            release_id=release.id,
            media_id=wanted.media_id,
            not_before=None,
        )
    return True


def _put_off(  # noqa: PLR0913 - all but four are named
    connection: Connection,
    situation: Situation,
    prepared: Prepared,
    rows: Sequence[AnyRow],
    settings: WatchlistSettings,
    *,
    run_id: str | None,
) -> None:
    error, offer = prepared.error, prepared.decision.offer
    assert error is not None  # noqa: S101 - the caller looked
    assert offer is not None  # noqa: S101 - decisions to take have one
    is_last = any(row.attempts + 1 >= settings.choosing.max_attempts for row in rows)
    if error.is_temporary and not is_last:
        for row in rows:
            if row.state != _E.DOWNLOADED:
                episodes.move(
                    connection,
                    row.id,
                    _E.WANTED,
                    run_id=run_id,
                    reason=str(error),
                    attempts=row.attempts + 1,
                    not_before=utc_now() + _LATER,
                )
        return
    releases.failed(connection, situation.releases[offer.key].id, str(error))
    for row in rows:
        failed(connection, row, str(error), settings, run_id=run_id)


def _file_name(
    item: AnyRow,
    rows: Sequence[AnyRow],
    release: AnyRow,
    fetchable: Fetchable,
    settings: WatchlistSettings,
) -> str | None:
    """Return what the file is called; None where its address calls it better."""
    if len(rows) != 1 or not fetchable.suffix:
        return None
    return name_of(
        settings.library.file_template, episode_file(item, rows[0], release), fetchable.suffix
    )
