"""What is known of uploads: each row with its download's columns as `download_…`.

And with those of its medium, as `media_…`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from sync_assets.ledger.lifecycle import UnknownSubjectError
from sync_assets.ledger.schema import relay_downloads, relay_media, relay_uploads
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay.models import OPEN_UPLOADS, UploadState


def get_upload(connection: Connection, upload_id: int) -> AnyRow:
    """Return an upload.

    Args:
        connection: A transaction of the ledger.
        upload_id: Which.

    Raises:
        UnknownSubjectError: There is none.
    """
    row = connection.execute(_query().where(relay_uploads.c.id == upload_id)).one_or_none()
    if row is None:
        raise UnknownSubjectError(
            f"There is no upload {upload_id}.", remedy="Check the id; it may be deleted."
        )
    return row


def uploads_of(connection: Connection, download_id: int) -> Sequence[AnyRow]:
    """Return the uploads of a download, in the order in which they were made.

    Args:
        connection: A transaction of the ledger.
        download_id: The download.
    """
    query = _query().where(relay_uploads.c.download_id == download_id)
    return connection.execute(query.order_by(relay_uploads.c.id)).all()


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


def open_uploads(connection: Connection, *, most_due: int) -> Sequence[AnyRow]:
    """Return what a worker has to look at, oldest first.

    That is what is under way, what a user wants, and the oldest of what is due.

    Args:
        connection: A transaction of the ledger.
        most_due: How many of those that are due.
    """
    columns = relay_uploads.c
    due = select(columns.id).where(_is_due()).order_by(columns.id).limit(most_due)
    query = _query().where(
        or_(
            columns.state == UploadState.UPLOADING,
            and_(columns.command.is_not(None), _is_not_put_off()),
            columns.id.in_(due.scalar_subquery()),
        )
    )
    return connection.execute(query.order_by(columns.id)).all()


def due_upload_count(connection: Connection) -> int:
    """Count the uploads that a run could move now.

    Args:
        connection: A transaction of the ledger.
    """
    columns = relay_uploads.c
    query = select(func.count()).where(
        or_(
            _is_due(),
            columns.state == UploadState.UPLOADING,
            and_(columns.command.is_not(None), _is_not_put_off()),
        )
    )
    return connection.execute(query).scalar_one()


def next_upload_due(connection: Connection) -> datetime | None:
    """Return when the first upload that is put off is to be tried again; None for none.

    Args:
        connection: A transaction of the ledger.
    """
    columns = relay_uploads.c
    query = select(func.min(columns.not_before)).where(
        or_(columns.state == UploadState.PENDING, columns.command.is_not(None)),
        columns.not_before > utc_now(),
    )
    return connection.execute(query).scalar()


def _query() -> Any:
    own = {column.name for column in relay_uploads.c}
    others = [
        column.label(name)
        for prefix, table in (("download", relay_downloads), ("media", relay_media))
        for column in table.c
        if (name := f"{prefix}_{column.name}") not in own
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
    return or_(not_before.is_(None), not_before <= utc_now())
