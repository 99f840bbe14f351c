"""What is known of uploads: each row with some columns of its download, as `download_…`.

And with some of its medium, as `media_…`. The statements of the worker's loop are built once: that
takes longer than to run them.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, or_, select

from sync_assets.ledger.lifecycle import UnknownSubjectError
from sync_assets.ledger.schema import relay_downloads, relay_media, relay_uploads
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay.models import OPEN_UPLOADS, UploadState

_OF_DOWNLOAD = ("state", "path", "checksum", "completed_bytes", "cleaned_at")
_OF_MEDIUM = (
    *("id", "kind", "state", "arrived_at", "name", "mime", "source", "link"),
    *("chat_id", "sender", "album", "caption", "bot_id", "file_id"),
)


def get_upload(connection: Connection, upload_id: int) -> AnyRow:
    """Return an upload.

    Args:
        connection: A transaction of the ledger.
        upload_id: Which.

    Raises:
        UnknownSubjectError: There is none.
    """
    row = connection.execute(_one(), {"upload": upload_id}).one_or_none()
    if row is None:
        raise UnknownSubjectError(
            f"There is no upload {upload_id}.", remedy="Check the id; it may be deleted."
        )
    return row


def get_uploads(connection: Connection, upload_ids: Collection[int]) -> Sequence[AnyRow]:
    """Return some uploads, oldest first.

    Args:
        connection: A transaction of the ledger.
        upload_ids: Which.
    """
    return connection.execute(_some(), {"uploads": list(upload_ids)}).all()


def uploads_of(connection: Connection, download_ids: Collection[int]) -> Sequence[AnyRow]:
    """Return the uploads of some downloads, in the order in which they were made.

    Args:
        connection: A transaction of the ledger.
        download_ids: The downloads.
    """
    return connection.execute(_of_downloads(), {"downloads": list(download_ids)}).all()


def pending_uploads(connection: Connection) -> Sequence[AnyRow]:
    """Return the uploads that are still to come to an end, oldest first.

    Args:
        connection: A transaction of the ledger.
    """
    return uploads_in_state(connection, *OPEN_UPLOADS)


def uploads_in_state(connection: Connection, *states: UploadState) -> Sequence[AnyRow]:
    """Return the uploads that are in some states, oldest first.

    Args:
        connection: A transaction of the ledger.
        *states: The states.
    """
    query = _query().where(relay_uploads.c.state.in_(states))
    return connection.execute(query.order_by(relay_uploads.c.id)).all()


def open_uploads(
    connection: Connection,
    targets: Collection[str],
    *,
    most_due: int,
    known: Collection[int] = (),
) -> Sequence[AnyRow]:
    """Return what a worker has to look at, oldest first.

    That is what is under way, what a user wants, and the oldest of what is due at each target, so
    that none waits for what another one has to take.

    Args:
        connection: A transaction of the ledger.
        targets: The targets that can be used; all others are one.
        most_due: How many at most of those that are due at a target.
        known: Those that the worker has under way itself, and knows; they are left out.
    """
    given = {"now": utc_now(), "most": most_due, "known": list(known)}
    return connection.execute(_open(tuple(targets)), given).all()


def still_uploading(connection: Connection, upload_ids: Collection[int]) -> Sequence[int]:
    """Return which of some uploads nobody has paused, cancelled or deleted meanwhile.

    Args:
        connection: A transaction of the ledger.
        upload_ids: The uploads, which are under way.
    """
    if not upload_ids:
        return ()
    return connection.execute(_uploading(), {"uploads": list(upload_ids)}).scalars().all()


def awaited_targets(connection: Connection) -> Sequence[str]:
    """Return the targets to which uploads come by themselves: not those that somebody paused.

    Args:
        connection: A transaction of the ledger.
    """
    columns = relay_uploads.c
    is_awaited = columns.state.in_(set(OPEN_UPLOADS) - {UploadState.PAUSED})
    query = select(columns.target).where(is_awaited).distinct()
    return connection.execute(query).scalars().all()


def due_upload_count(connection: Connection) -> int:
    """Count the uploads that a run could move now.

    Args:
        connection: A transaction of the ledger.
    """
    return connection.execute(_due_count(), {"now": utc_now()}).scalar_one()


def next_upload_due(connection: Connection) -> datetime | None:
    """Return when the first upload that is put off is to be tried again; None for none.

    Args:
        connection: A transaction of the ledger.
    """
    return connection.execute(_next_due()).scalar()


@cache
def _one() -> Select:
    return _query().where(relay_uploads.c.id == bindparam("upload"))


@cache
def _some() -> Select:
    columns = relay_uploads.c
    wanted = columns.id.in_(bindparam("uploads", expanding=True))
    return _query().where(wanted).order_by(columns.id)


@cache
def _of_downloads() -> Select:
    columns = relay_uploads.c
    wanted = columns.download_id.in_(bindparam("downloads", expanding=True))
    return _query().where(wanted).order_by(columns.id)


@cache
def _open(targets: tuple[str, ...]) -> Select:
    columns = relay_uploads.c
    due = [
        select(columns.id).where(_is_due(), at_target).order_by(columns.id).limit(bindparam("most"))
        for at_target in (
            *(columns.target == target for target in targets),
            columns.target.not_in(targets),
        )
    ]
    under_way = or_(
        columns.state == UploadState.UPLOADING,
        and_(columns.command.is_not(None), _is_not_put_off()),
        *(columns.id.in_(each.scalar_subquery()) for each in due),
    )
    is_new = columns.id.not_in(bindparam("known", expanding=True))
    return _query().where(under_way, is_new).order_by(columns.id)


@cache
def _uploading() -> Select:
    columns = relay_uploads.c
    return select(columns.id).where(
        columns.state == UploadState.UPLOADING,
        columns.id.in_(bindparam("uploads", expanding=True)),
    )


@cache
def _due_count() -> Select:
    columns = relay_uploads.c
    return select(func.count()).where(
        or_(
            _is_due(),
            columns.state == UploadState.UPLOADING,
            and_(columns.command.is_not(None), _is_not_put_off()),
        )
    )


@cache
def _next_due() -> Select:
    columns = relay_uploads.c
    # Also what has become due by now, since the caller counted what is.
    return select(func.min(columns.not_before)).where(
        or_(columns.state == UploadState.PENDING, columns.command.is_not(None))
    )


@cache
def _query() -> Select:
    others = [
        *(relay_downloads.c[name].label(f"download_{name}") for name in _OF_DOWNLOAD),
        *(relay_media.c[name].label(f"media_{name}") for name in _OF_MEDIUM),
    ]
    downloads, media = relay_downloads, relay_media
    return (
        select(*relay_uploads.c, *others)
        .join(downloads, downloads.c.id == relay_uploads.c.download_id)
        .join(media, media.c.id == downloads.c.media_id)
    )


def _is_due() -> ColumnElement[bool]:
    return and_(relay_uploads.c.state == UploadState.PENDING, _is_not_put_off())


def _is_not_put_off() -> ColumnElement[bool]:
    not_before = relay_uploads.c.not_before
    return or_(not_before.is_(None), not_before <= bindparam("now"))
