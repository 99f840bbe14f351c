"""Lists of media, downloads and uploads for whoever shows them: newest first, filtered, in pages.

A page begins below an id, so that what arrives meanwhile moves nothing from one page to another.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, or_, select

from sync_assets.ledger.lifecycle import UnknownSubjectError
from sync_assets.ledger.schema import relay_downloads, relay_media, relay_uploads
from sync_assets.ledger.types import AnyRow

# Not the torrent's content: a list has no use for it.
_SHOWN_OF_MEDIA = (
    "kind",
    "origin",
    "source",
    "day",
    "arrived_at",
    "state",
    "name",
    "mime",
    "size_bytes",
    "caption",
    "sender",
    "link",
    "infohash",
    "targets",
)


@dataclass(frozen=True)
class Filter:
    """Which records are wanted; what is empty or None does not restrict.

    Attributes:
        states: Those in one of these states.
        kinds: Those whose medium is of one of these kinds.
        target: Those with an upload to this target.
        day: Those whose medium arrived on this day, as in `relay_media.day`.
        text: Those with this in their medium's name, caption or sender; upper and lower case are
            the same, outside ASCII only where the database knows them.
        media_id: Those of this medium.
        download_id: Those of this download.
    """

    states: Collection[str] = ()
    kinds: Collection[str] = ()
    target: str | None = None
    day: str | None = None
    text: str | None = None
    media_id: int | None = None
    download_id: int | None = None


@dataclass(frozen=True)
class Position:
    """Where a page begins and how long it is.

    Attributes:
        before: Only ids below this one; None for the newest.
        limit: The most records.
    """

    before: int | None
    limit: int


def list_media(connection: Connection, wanted: Filter, position: Position) -> Sequence[AnyRow]:
    """Return media; `states` are those of the medium.

    Args:
        connection: A transaction of the ledger.
        wanted: Which.
        position: Which page.
    """
    columns = relay_media.c
    shown = (columns.id, columns.changed_at, *(columns[name] for name in _SHOWN_OF_MEDIA))
    query = select(*shown).where(*_of_media(wanted))
    if wanted.states:
        query = query.where(columns.state.in_(wanted.states))
    if wanted.media_id is not None:
        query = query.where(columns.id == wanted.media_id)
    if wanted.target is not None:
        targeted = (
            select(relay_downloads.c.media_id)
            .join(relay_uploads, relay_uploads.c.download_id == relay_downloads.c.id)
            .where(relay_uploads.c.target == wanted.target)
        )
        query = query.where(columns.id.in_(targeted))
    return connection.execute(_page(query, columns.id, position)).all()


def list_downloads(connection: Connection, wanted: Filter, position: Position) -> Sequence[AnyRow]:
    """Return downloads, each with what is shown of its medium as `media_…`.

    Args:
        connection: A transaction of the ledger.
        wanted: Which.
        position: Which page.
    """
    columns = relay_downloads.c
    query = _downloads().where(*_of_media(wanted))
    if wanted.states:
        query = query.where(columns.state.in_(wanted.states))
    if wanted.media_id is not None:
        query = query.where(columns.media_id == wanted.media_id)
    if wanted.target is not None:
        targeted = select(relay_uploads.c.download_id).where(
            relay_uploads.c.target == wanted.target
        )
        query = query.where(columns.id.in_(targeted))
    return connection.execute(_page(query, columns.id, position)).all()


def list_uploads(connection: Connection, wanted: Filter, position: Position) -> Sequence[AnyRow]:
    """Return uploads, each with what is shown of its medium as `media_…`.

    Args:
        connection: A transaction of the ledger.
        wanted: Which.
        position: Which page.
    """
    columns = relay_uploads.c
    query = _uploads().where(*_of_media(wanted))
    if wanted.states:
        query = query.where(columns.state.in_(wanted.states))
    if wanted.target is not None:
        query = query.where(columns.target == wanted.target)
    if wanted.media_id is not None:
        query = query.where(relay_media.c.id == wanted.media_id)
    if wanted.download_id is not None:
        query = query.where(columns.download_id == wanted.download_id)
    return connection.execute(_page(query, columns.id, position)).all()


def get_medium(connection: Connection, media_id: int) -> AnyRow:
    """Return what is shown of a medium.

    Args:
        connection: A transaction of the ledger.
        media_id: Which.

    Raises:
        UnknownSubjectError: There is none.
    """
    found = list_media(connection, Filter(media_id=media_id), Position(None, 1))
    return _only(found, "medium", media_id)


def get_download(connection: Connection, download_id: int) -> AnyRow:
    """Return a download with what is shown of its medium.

    Args:
        connection: A transaction of the ledger.
        download_id: Which.

    Raises:
        UnknownSubjectError: There is none.
    """
    query = _downloads().where(relay_downloads.c.id == download_id)
    return _only(connection.execute(query).all(), "download", download_id)


def get_upload(connection: Connection, upload_id: int) -> AnyRow:
    """Return an upload with what is shown of its medium.

    Args:
        connection: A transaction of the ledger.
        upload_id: Which.

    Raises:
        UnknownSubjectError: There is none.
    """
    query = _uploads().where(relay_uploads.c.id == upload_id)
    return _only(connection.execute(query).all(), "upload", upload_id)


def downloads_of(
    connection: Connection, media_ids: Collection[int]
) -> Mapping[int, Sequence[AnyRow]]:
    """Return the downloads of some media, newest first, by medium.

    Args:
        connection: A transaction of the ledger.
        media_ids: The media.
    """
    columns = relay_downloads.c
    query = _downloads().where(columns.media_id.in_(media_ids)).order_by(columns.id.desc())
    return _grouped(connection.execute(query).all(), "media_id")


def uploads_of(
    connection: Connection, download_ids: Collection[int]
) -> Mapping[int, Sequence[AnyRow]]:
    """Return the uploads of some downloads, by download.

    Args:
        connection: A transaction of the ledger.
        download_ids: The downloads.
    """
    columns = relay_uploads.c
    query = _uploads().where(columns.download_id.in_(download_ids)).order_by(columns.id)
    return _grouped(connection.execute(query).all(), "download_id")


def _downloads() -> Select[Any]:
    return select(relay_downloads, *_shown_of_media()).join(
        relay_media, relay_media.c.id == relay_downloads.c.media_id
    )


def _uploads() -> Select[Any]:
    return (
        select(
            relay_uploads,
            relay_downloads.c.gid,
            relay_downloads.c.media_id,
            *_shown_of_media(),
        )
        .join(relay_downloads, relay_downloads.c.id == relay_uploads.c.download_id)
        .join(relay_media, relay_media.c.id == relay_downloads.c.media_id)
    )


def _shown_of_media() -> list[ColumnElement[Any]]:
    return [relay_media.c[name].label(f"media_{name}") for name in _SHOWN_OF_MEDIA]


def _of_media(wanted: Filter) -> list[ColumnElement[bool]]:
    columns = relay_media.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.kinds:
        conditions.append(columns.kind.in_(wanted.kinds))
    if wanted.day is not None:
        conditions.append(columns.day == wanted.day)
    if wanted.text:
        searched = (columns.name, columns.caption, columns.sender)
        conditions.append(
            or_(*(column.icontains(wanted.text, autoescape=True) for column in searched))
        )
    return conditions


def _page(query: Any, row_id: ColumnElement[int], position: Position) -> Select[Any]:
    if position.before is not None:
        query = query.where(row_id < position.before)
    return query.order_by(row_id.desc()).limit(position.limit)


def _grouped(rows: Sequence[AnyRow], column: str) -> Mapping[int, Sequence[AnyRow]]:
    groups: dict[int, list[AnyRow]] = {}
    for row in rows:
        groups.setdefault(getattr(row, column), []).append(row)
    return groups


def _only(rows: Sequence[AnyRow], what: str, row_id: int) -> AnyRow:
    if not rows:
        raise UnknownSubjectError(
            f"There is no {what} {row_id}.", remedy="Check the id; it may be deleted."
        )
    return rows[0]
