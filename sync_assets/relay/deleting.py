"""Delete records of transfers that have ended, so that nothing is lost by it.

A record is refused while anything moves or may still be told to move. Its history stays: the
events say that it was deleted, by whom, and what it was.
"""

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, select

from sync_assets.errors import SyncError
from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.leases import is_held
from sync_assets.ledger.schema import relay_downloads, relay_media, relay_uploads
from sync_assets.ledger.types import AnyRow
from sync_assets.relay.listing import get_download, get_upload, uploads_of
from sync_assets.relay.models import (
    LEASE_NAME,
    OPEN_DOWNLOADS,
    OPEN_UPLOADS,
    VERIFIED_UPLOADS,
    DownloadState,
    UploadState,
)

DELETED = "deleted"
"""The state in the history of what is no more; no row has it."""

_UPLOADS_AT_WORK = frozenset(OPEN_UPLOADS) - {UploadState.WAITING_DOWNLOAD}


class RecordInUseError(SyncError):
    """The record is of a transfer that has not come to rest."""


class FolderNotRemovedError(SyncError):
    """The record is deleted, and its local file is not."""


@dataclass(frozen=True)
class DeletedDownload:
    """A download whose record is deleted.

    Attributes:
        id: Which it was.
        gid: The name of its folder.
        has_folder_to_remove: Whether its folder is to be removed: the caller wants it, or what is
            there of the file is only a part.
    """

    id: int
    gid: str
    has_folder_to_remove: bool


def delete_download(
    connection: Connection,
    download_id: int,
    *,
    with_file: bool,
    owns_aria2: bool,
    detail: Mapping[str, Any],
) -> DeletedDownload:
    """Delete a download's record with its uploads, and its medium where that has no other.

    If something wants the medium again later, it is a new one. Remove the folder after the commit.

    Args:
        connection: A writing transaction of the ledger.
        download_id: Which.
        with_file: Whether a completed file goes too.
        owns_aria2: Whether aria2 ends with its worker, so that without one nothing runs.
        detail: Who wants it, for the history.

    Returns:
        What was deleted.

    Raises:
        UnknownSubjectError: There is no such download.
        RecordInUseError: It, or one of its uploads, has not come to rest.
    """
    row = get_download(connection, download_id)
    uploads = uploads_of(connection, [download_id]).get(download_id, ())
    _require_rest(connection, row, owns_aria2=owns_aria2)
    for upload in uploads:
        _require_upload_at_rest(upload, _UPLOADS_AT_WORK)
    facts = {
        **detail,
        "name": row.media_name,
        "gid": row.gid,
        "path": row.path,
        "checksum": row.checksum,
        "with_file": with_file,
    }
    gone = [Event("relay_upload", str(each.id), DELETED, each.state) for each in uploads]
    gone.append(Event("relay_download", str(download_id), DELETED, row.state, detail=facts))
    others = select(func.count()).where(
        relay_downloads.c.media_id == row.media_id, relay_downloads.c.id != download_id
    )
    if connection.execute(others).scalar_one():
        connection.execute(delete(relay_uploads).where(relay_uploads.c.download_id == download_id))
        connection.execute(delete(relay_downloads).where(relay_downloads.c.id == download_id))
    else:
        gone.append(Event("relay_medium", str(row.media_id), DELETED, row.media_state))
        connection.execute(delete(relay_media).where(relay_media.c.id == row.media_id))
    append_events(connection, gone)
    is_partial = row.state != DownloadState.COMPLETED
    return DeletedDownload(download_id, row.gid, with_file or is_partial)


def delete_upload(connection: Connection, upload_id: int, *, detail: Mapping[str, Any]) -> None:
    """Delete an upload's record; what lies at its target stays.

    Args:
        connection: A writing transaction of the ledger.
        upload_id: Which.
        detail: Who wants it, for the history.

    Raises:
        UnknownSubjectError: There is no such upload.
        RecordInUseError: It has not come to rest, or keeps the local file from being removed.
    """
    row = get_upload(connection, upload_id)
    _require_upload_at_rest(row, OPEN_UPLOADS)
    download = get_download(connection, row.download_id)
    has_file = download.state == DownloadState.COMPLETED and download.cleaned_at is None
    if has_file and row.is_required and row.state not in VERIFIED_UPLOADS:
        # Without it the other targets would be all that are required, and the file be removed.
        raise RecordInUseError(
            f"Upload {upload_id} is {row.state}, and the local file is kept for it.",
            remedy="Retry it, or delete its download.",
        )
    facts = {**detail, "target": row.target, "remote_path": row.remote_path}
    connection.execute(delete(relay_uploads).where(relay_uploads.c.id == upload_id))
    append_events(
        connection, [Event("relay_upload", str(upload_id), DELETED, row.state, detail=facts)]
    )


def remove_folder(root: Path, deleted: DeletedDownload) -> None:
    """Remove the folder of a deleted download; nothing outside of the download directory.

    Args:
        root: The download directory.
        deleted: What was deleted.

    Raises:
        FolderNotRemovedError: The folder lies elsewhere, or cannot be removed.
    """
    folder = root / deleted.gid
    if folder.parent != root or folder.is_symlink():
        raise FolderNotRemovedError(
            f"{folder} is no folder of the download directory: nothing in it was removed.",
            remedy="Look at it and remove it by hand.",
        )
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise FolderNotRemovedError(
            f"The record is deleted, but {folder} cannot be removed: {error.strerror}.",
            remedy="Give this user write permission there, or remove the folder by hand.",
        ) from error


def _require_upload_at_rest(row: AnyRow, states_at_work: Collection[UploadState]) -> None:
    if row.state in states_at_work:
        raise RecordInUseError(
            f"Upload {row.id} of download {row.download_id} is {row.state}.",
            remedy="Cancel the upload first, or wait until it has ended.",
        )
    # A failed one may have a target that will never answer again.
    if row.command is not None and row.state == UploadState.CANCELLED:
        raise RecordInUseError(
            f"Upload {row.id} is cancelled, and what is there of it has still to be removed.",
            remedy="Try again later; a run of relay_sync removes it at its target.",
        )


def _require_rest(connection: Connection, row: AnyRow, *, owns_aria2: bool) -> None:
    if row.state in OPEN_DOWNLOADS:
        raise RecordInUseError(
            f"Download {row.id} is {row.state}.",
            remedy="Cancel it first, or wait until it has ended.",
        )
    if row.command is None:
        return
    # aria2 has still to be told. Without the record nobody would know what it is doing.
    is_worker_at_work = is_held(connection, LEASE_NAME)
    may_run = row.started_at is not None and not owns_aria2
    if is_worker_at_work or may_run:
        raise RecordInUseError(
            f"Download {row.id} is being cancelled: aria2 has not been told yet.",
            remedy="Try again in a few seconds; a run of relay_sync tells aria2.",
        )
