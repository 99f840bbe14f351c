"""Make the uploads of a download, and let them follow it.

An upload waits for its download from the moment that this is wanted, so that everybody sees what
is to come.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, exists, or_, select, true, update

from sync_assets.ledger.lifecycle import Change
from sync_assets.ledger.schema import relay_downloads, relay_media, relay_uploads
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay.models import (
    OPEN_DOWNLOADS,
    OPEN_UPLOADS,
    Command,
    DownloadState,
    Reason,
    ReasonCode,
    UploadState,
)
from sync_assets.relay.uploads.lifecycle import UPLOADS, failure_columns, failure_detail
from sync_assets.settings.relay_targets import RelayTargetSettings

Targets = Mapping[str, RelayTargetSettings]

_ENDED_WITH_DOWNLOAD = (
    ReasonCode.DOWNLOAD_CANCELLED,
    ReasonCode.FILE_MISSING,
    ReasonCode.WRONG_CHECKSUM,
)

DOWNLOAD_CANCELLED = Reason(
    ReasonCode.DOWNLOAD_CANCELLED, "The download was cancelled. Retry the download to have it."
)


def unplanned(connection: Connection, targets: Targets, *, most: int) -> Sequence[AnyRow]:
    """Return the open downloads that have no uploads, and are to have some; the oldest first.

    Args:
        connection: A transaction of the ledger.
        targets: The configured targets.
        most: How many at most.
    """
    return connection.execute(_unplanned(has_targets=bool(targets)), {"most": most}).all()


@cache
def _unplanned(*, has_targets: bool) -> Select:
    columns = relay_downloads.c
    names_its_own = relay_media.c.targets.is_not(None)
    return (
        select(columns.id, relay_media.c.targets.label("media_targets"))
        .join(relay_media, relay_media.c.id == columns.media_id)
        .where(
            columns.state.in_(OPEN_DOWNLOADS),
            ~exists().where(relay_uploads.c.download_id == columns.id),
            true() if has_targets else names_its_own,
        )
        .order_by(columns.id)
        .limit(bindparam("most"))
    )


def plan(
    connection: Connection, downloads: Sequence[AnyRow], targets: Targets, *, run_id: str | None
) -> int:
    """Make the uploads of downloads, as far as they are not made.

    A download that has uploads keeps them as they are, whatever is configured since.

    Args:
        connection: A writing transaction of the ledger.
        downloads: The downloads, each with its medium's targets.
        targets: The configured targets.
        run_id: The Dagster run.

    Returns:
        How many were made.
    """
    ids = [download.id for download in downloads]
    planned = {row.download_id for row in connection.execute(_uploads_of(), {"downloads": ids})}
    rows = [
        new_row(download.id, name, targets, UploadState.WAITING_DOWNLOAD)
        for download in downloads
        if download.id not in planned
        for name in _target_names(download, targets)
    ]
    # Where SQLite has nothing by which to tell new rows apart, it inserts one after the other.
    UPLOADS.create(connection, rows, unique=("part_id",), run_id=run_id)
    return len(rows)


@cache
def _uploads_of() -> Select:
    columns = relay_uploads.c
    wanted = columns.download_id.in_(bindparam("downloads", expanding=True))
    return select(columns.id, columns.download_id).where(wanted).order_by(columns.id)


def new_row(download_id: int, target: str, targets: Targets, state: UploadState) -> dict[str, Any]:
    """Return the columns of a new upload.

    Args:
        download_id: The download.
        target: The target's name.
        targets: The configured targets; one that is not among them counts as required.
        state: Its first state.
    """
    return {
        "download_id": download_id,
        "target": target,
        "part_id": secrets.token_hex(8),
        "is_required": targets[target].required if target in targets else True,
        "state": state,
        "created_at": utc_now(),
    }


def downloads_completed(
    connection: Connection, sizes: Mapping[int, int], *, run_id: str | None
) -> None:
    """Let the uploads of downloads begin.

    Args:
        connection: A writing transaction of the ledger.
        sizes: The sizes of their files in bytes, by the ids of the downloads, which are completed.
        run_id: The Dagster run.
    """
    none = {"not_before": None, **failure_columns(None)}
    changes = {
        row.id: Change({"total_bytes": sizes[row.download_id], **none})
        for row in connection.execute(_uploads_of(), {"downloads": list(sizes)})
    }
    UPLOADS.transition_each(
        connection,
        changes,
        UploadState.PENDING,
        expected={UploadState.WAITING_DOWNLOAD},
        run_id=run_id,
    )


def download_restarted(connection: Connection, download_id: int, *, run_id: str | None) -> None:
    """Let the uploads that came to an end with their download wait for it again.

    Args:
        connection: A writing transaction of the ledger.
        download_id: The download, which is tried again.
        run_id: The Dagster run.
    """
    columns = relay_uploads.c
    of_download = or_(
        columns.state == UploadState.PENDING,
        and_(
            columns.state.in_((UploadState.FAILED, UploadState.CANCELLED)),
            columns.failure_code.in_(_ENDED_WITH_DOWNLOAD),
        ),
    )
    query = select(columns.id).where(columns.download_id == download_id, of_download)
    _transition(
        connection,
        connection.execute(query).scalars().all(),
        UploadState.WAITING_DOWNLOAD,
        None,
        run_id=run_id,
    )


def download_cancelled(connection: Connection, download_id: int, *, run_id: str | None) -> None:
    """Cancel the uploads of a download that is cancelled.

    Args:
        connection: A writing transaction of the ledger.
        download_id: The download.
        run_id: The Dagster run.
    """
    found = _ids(connection, download_id, OPEN_UPLOADS)
    _transition(connection, found, UploadState.CANCELLED, DOWNLOAD_CANCELLED, run_id=run_id)
    columns = relay_uploads.c
    connection.execute(
        update(relay_uploads)
        .where(columns.id.in_(found), columns.remote_path.is_not(None))
        .values(command=Command.CANCEL)
    )


def state_before_upload(download_state: str) -> UploadState:
    """Return the state of an upload that is wanted, and not begun.

    Args:
        download_state: The state of its download.
    """
    is_there = download_state == DownloadState.COMPLETED
    return UploadState.PENDING if is_there else UploadState.WAITING_DOWNLOAD


def _target_names(download: AnyRow, targets: Targets) -> Iterable[str]:
    return targets if download.media_targets is None else dict.fromkeys(download.media_targets)


def _ids(connection: Connection, download_id: int, states: Iterable[UploadState]) -> Sequence[int]:
    columns = relay_uploads.c
    query = select(columns.id).where(columns.download_id == download_id, columns.state.in_(states))
    return connection.execute(query.order_by(columns.id)).scalars().all()


def _transition(
    connection: Connection,
    upload_ids: Iterable[int],
    state: UploadState,
    reason: Reason | None,
    *,
    run_id: str | None,
) -> None:
    for upload_id in upload_ids:
        UPLOADS.transition(
            connection,
            upload_id,
            state,
            run_id=run_id,
            detail=failure_detail(reason),
            attempts=0,
            not_before=None,
            **failure_columns(reason),
        )
