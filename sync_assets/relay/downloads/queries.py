"""What is known of downloads: each row with some columns of its medium, as `media_…`.

The statements of the worker's loop are built once: that takes longer than to run them.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, or_, select

from sync_assets.ledger.lifecycle import UnknownSubjectError
from sync_assets.ledger.schema import relay_downloads, relay_media
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay.models import OPEN_DOWNLOADS, DownloadState, ReasonCode

_OF_MEDIUM = (
    *("kind", "state", "day", "name", "mime", "source", "sender"),
    *("link", "torrent", "infohash", "targets"),
)
_HELD = tuple(state for state in OPEN_DOWNLOADS if state is not DownloadState.PENDING)


def get(connection: Connection, download_id: int) -> AnyRow:
    """Return a download.

    Args:
        connection: A transaction of the ledger.
        download_id: Which.

    Raises:
        UnknownSubjectError: There is none.
    """
    row = connection.execute(_one(), {"download": download_id}).one_or_none()
    if row is None:
        raise UnknownSubjectError(
            f"There is no download {download_id}.", remedy="Check the id; it may be deleted."
        )
    return row


def open_downloads(connection: Connection, *, most_due: int) -> Sequence[AnyRow]:
    """Return what a worker has to look at, oldest first.

    That is what aria2 has or may have, what a user wants, and the oldest of what is due.

    Args:
        connection: A transaction of the ledger.
        most_due: How many of those that are due.
    """
    return connection.execute(_open(), {"now": utc_now(), "most": most_due}).all()


def in_state(connection: Connection, *states: DownloadState) -> Sequence[AnyRow]:
    """Return the newest downloads of all media that are in some states, oldest first.

    Args:
        connection: A transaction of the ledger.
        *states: The states.
    """
    columns = relay_downloads.c
    newest = select(func.max(columns.id)).group_by(columns.media_id)
    query = _query().where(columns.id.in_(newest), columns.state.in_(states))
    return connection.execute(query.order_by(columns.id)).all()


def of_gids(connection: Connection, gids: Sequence[str]) -> Sequence[AnyRow]:
    """Return the downloads that have some gids, whatever their states, oldest first.

    Args:
        connection: A transaction of the ledger.
        gids: The gids; others than downloads' are left out.
    """
    query = _query().where(relay_downloads.c.gid.in_(gids))
    return connection.execute(query.order_by(relay_downloads.c.id)).all()


def latest(connection: Connection, media_id: int) -> AnyRow | None:
    """Return a medium's newest download; None where it has none.

    Args:
        connection: A transaction of the ledger.
        media_id: The medium.
    """
    query = _query().where(relay_downloads.c.media_id == media_id)
    return connection.execute(query.order_by(relay_downloads.c.id.desc()).limit(1)).one_or_none()


def due_count(connection: Connection, *, disk_has_space: bool) -> int:
    """Count the downloads that a run could move now.

    Args:
        connection: A transaction of the ledger.
        disk_has_space: Whether those that wait for space could go on.
    """
    query = _movable_count(disk_has_space=disk_has_space)
    return connection.execute(query, {"now": utc_now()}).scalar_one()


def next_due(connection: Connection) -> datetime | None:
    """Return when the first download that is put off is to be tried again; None for none.

    Args:
        connection: A transaction of the ledger.
    """
    columns = relay_downloads.c
    # Also what has become due by now, since the caller counted what is.
    query = select(func.min(columns.not_before)).where(columns.state == DownloadState.PENDING)
    return connection.execute(query).scalar()


@cache
def _one() -> Select:
    return _query().where(relay_downloads.c.id == bindparam("download"))


@cache
def _open() -> Select:
    columns = relay_downloads.c
    due = select(columns.id).where(_is_due()).order_by(columns.id).limit(bindparam("most"))
    query = _query().where(
        or_(
            columns.state.in_(_HELD),
            columns.command.is_not(None),
            columns.id.in_(due.scalar_subquery()),
        )
    )
    return query.order_by(columns.id)


@cache
def _movable_count(*, disk_has_space: bool) -> Select:
    return select(func.count()).where(_movable(disk_has_space=disk_has_space))


@cache
def _query() -> Select:
    others = [relay_media.c[name].label(f"media_{name}") for name in _OF_MEDIUM]
    return select(*relay_downloads.c, *others).join(
        relay_media, relay_media.c.id == relay_downloads.c.media_id
    )


def _movable(*, disk_has_space: bool) -> ColumnElement[bool]:
    columns = relay_downloads.c
    under_way = columns.state.in_((DownloadState.WAITING, DownloadState.DOWNLOADING))
    conditions = [_is_due(), under_way, columns.command.is_not(None)]
    if disk_has_space:
        paused = columns.state == DownloadState.PAUSED
        conditions.append(
            and_(paused, columns.reason_code == ReasonCode.DISK_FULL, _is_not_put_off())
        )
    return or_(*conditions)


def _is_due() -> ColumnElement[bool]:
    return and_(relay_downloads.c.state == DownloadState.PENDING, _is_not_put_off())


def _is_not_put_off() -> ColumnElement[bool]:
    not_before = relay_downloads.c.not_before
    return or_(not_before.is_(None), not_before <= bindparam("now"))
