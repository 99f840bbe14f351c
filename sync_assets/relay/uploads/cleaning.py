"""Which local files are to go: those that all required targets are proved to have."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Select, and_, bindparam, exists, or_, select, update

from sync_assets.ledger.schema import relay_downloads, relay_uploads
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import media
from sync_assets.relay.models import (
    OPEN_UPLOADS,
    VERIFIED_UPLOADS,
    DownloadState,
    MediaState,
    Reason,
    ReasonCode,
    UploadState,
)
from sync_assets.relay.uploads.lifecycle import UPLOADS, failure_columns, failure_detail
from sync_assets.relay.uploads.queries import get_upload

REMOTE_CHANGED = Reason(
    ReasonCode.REMOTE_CHANGED,
    "It was uploaded, but is not at its target any more, or is another file by now. The local "
    "file is kept. Retry it to upload it again.",
)


def cleanable(connection: Connection, *, most: int) -> Sequence[AnyRow]:
    """Return the ids and gids of the downloads whose file may be removed here, oldest first.

    Every required target is verified, at least one has the file, no upload is under way, and
    nothing has put it off.

    Args:
        connection: A transaction of the ledger.
        most: How many at most.
    """
    return connection.execute(_cleanable(), {"now": utc_now(), "most": most}).all()


@cache
def _cleanable() -> Select:
    uploads, columns = relay_uploads.c, relay_downloads.c
    own = uploads.download_id == columns.id
    holds_up = or_(
        uploads.state.in_(OPEN_UPLOADS),
        and_(uploads.is_required, uploads.state.not_in(VERIFIED_UPLOADS)),
        uploads.not_before > bindparam("now", type_=uploads.not_before.type),
    )
    query = select(columns.id, columns.gid).where(
        columns.state == DownloadState.COMPLETED,
        columns.cleaned_at.is_(None),
        exists().where(own, uploads.state.in_(VERIFIED_UPLOADS)),
        ~exists().where(own, holds_up),
    )
    return query.order_by(columns.id).limit(bindparam("most"))


def cleaned_early(connection: Connection) -> Sequence[int]:
    """Return the downloads whose file was removed here while a required target lacks it.

    Args:
        connection: A transaction of the ledger.
    """
    uploads, columns = relay_uploads.c, relay_downloads.c
    query = (
        select(columns.id)
        .join(relay_uploads, uploads.download_id == columns.id)
        .where(
            columns.cleaned_at.is_not(None),
            uploads.is_required,
            uploads.state.not_in(VERIFIED_UPLOADS),
        )
    )
    return connection.execute(query.distinct().order_by(columns.id)).scalars().all()


def postpone_cleaning(connection: Connection, download_id: int, *, not_before: datetime) -> None:
    """Keep a download's local file for a time.

    Args:
        connection: A writing transaction of the ledger.
        download_id: The download.
        not_before: When it may be removed.
    """
    columns = relay_uploads.c
    connection.execute(
        update(relay_uploads)
        .where(columns.download_id == download_id, columns.state == UploadState.COMPLETED)
        .values(not_before=not_before)
    )


def mark_cleaned(
    connection: Connection, download_ids: Collection[int], *, run_id: str | None
) -> None:
    """Write that the local files of downloads are removed.

    Args:
        connection: A writing transaction of the ledger.
        download_ids: The downloads.
        run_id: The Dagster run.
    """
    now = utc_now()
    columns = relay_uploads.c
    query = select(columns.id).where(
        columns.download_id.in_(download_ids), columns.state == UploadState.COMPLETED
    )
    completed = connection.execute(query.order_by(columns.id)).scalars().all()
    UPLOADS.transition_all(
        connection, completed, UploadState.CLEANED, run_id=run_id, cleaned_at=now
    )
    connection.execute(
        update(relay_downloads).where(relay_downloads.c.id.in_(download_ids)).values(cleaned_at=now)
    )


def mark_missing_remote(connection: Connection, upload_id: int, *, run_id: str | None) -> None:
    """Write that a completed upload is not at its target any more.

    Args:
        connection: A writing transaction of the ledger.
        upload_id: The upload.
        run_id: The Dagster run.
    """
    row = get_upload(connection, upload_id)
    UPLOADS.transition(
        connection,
        upload_id,
        UploadState.FAILED,
        expected={UploadState.COMPLETED},
        run_id=run_id,
        detail=failure_detail(REMOTE_CHANGED),
        **failure_columns(REMOTE_CHANGED),
    )
    if row.is_required:
        media.set_state(connection, [row.media_id], MediaState.DOWNLOADED, run_id=run_id)
