"""The ledger beside the download directory, and beside itself."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import select

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import relay_downloads
from sync_assets.ledger.types import AnyRow
from sync_assets.relay import downloads, media, uploads
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.media import MEDIA
from sync_assets.relay.models import (
    OPEN_DOWNLOADS,
    VERIFIED_UPLOADS,
    DownloadState,
    MediaState,
    Reason,
    ReasonCode,
    UploadState,
)
from sync_assets.relay.reconciling.findings import Difference, Finding

_MISSING = Reason(
    ReasonCode.FILE_MISSING, "The local file was gone. It is fetched again. Nothing to do."
)


def find_local(ledger: Ledger, folders: DownloadFolders) -> Iterator[Finding]:
    """Compare downloads and media with the disk.

    Args:
        ledger: The ledger.
        folders: Where downloads lie.

    Yields:
        The differences.
    """
    with ledger.read() as connection:
        known = set(connection.execute(select(relay_downloads.c.gid)).scalars())
        newest = downloads.in_state(connection, *DownloadState)
        early = uploads.cleaned_early(connection)
        rows = uploads.uploads_in_state(connection, *UploadState)
    of_each: defaultdict[int, list[AnyRow]] = defaultdict(list)
    for upload in rows:
        of_each[upload.download_id].append(upload)
    for row in newest:
        if row.state == DownloadState.COMPLETED:
            yield from _file(ledger, folders, row, of_each[row.id])
        yield from _medium(ledger, row, of_each[row.id])
    for download_id in early:
        yield Finding(
            Difference.CLEANED_EARLY,
            f"download {download_id}",
            "Its file is removed here, and a required target does not have it.",
            "Send the medium again under another key, or cancel the upload.",
        )
    found = sorted(folders.root.iterdir()) if folders.root.exists() else []
    for path in found:
        if path.name not in known:
            yield Finding(
                Difference.FOLDER_UNKNOWN,
                f"folder {path.name!r}",
                "No download has it.",
                f"Look into it, then remove it by hand: {path}",
            )


def _file(
    ledger: Ledger, folders: DownloadFolders, row: AnyRow, own: Sequence[AnyRow]
) -> Iterator[Finding]:
    path, subject = Path(row.path), f"download {row.id}"
    if row.cleaned_at is not None:
        # Early, it is the only one there is.
        is_relayed = _medium_state(row, own) is MediaState.RELAYED
        if is_relayed and folders.folder(row).exists():
            yield Finding(
                Difference.NOT_CLEANED,
                subject,
                "Its targets have it and it counts as removed, but it is there.",
                "Remove its folder.",
                partial(folders.discard, row),
            )
        return
    if not path.exists():
        is_relayed = bool(own) and all(each.state in VERIFIED_UPLOADS for each in own)
        repair = (
            "Note that it is removed: all targets have it." if is_relayed else "Fetch it again."
        )
        apply = partial(_note_cleaned if is_relayed else _fetch_again, ledger, row)
        yield Finding(
            Difference.FILE_MISSING, subject, "It is completed and its file is gone.", repair, apply
        )
    elif folders.size(path) != row.completed_bytes:
        yield Finding(
            Difference.FILE_CHANGED,
            subject,
            f"Its file has {folders.size(path)} bytes instead of {row.completed_bytes}.",
            f"Look at it; to have it fetched again remove it and reconcile once more: {path}",
        )


def _medium(ledger: Ledger, row: AnyRow, own: Sequence[AnyRow]) -> Iterator[Finding]:
    wanted = _medium_state(row, own)
    if row.media_state != wanted:
        yield Finding(
            Difference.MEDIA_BEHIND,
            f"medium {row.media_id}",
            f"It is {row.media_state}, and by its transfers {wanted}.",
            f"Bring it to {wanted}.",
            partial(_set_medium, ledger, row.media_id, MediaState(row.media_state), wanted),
        )


def _medium_state(row: AnyRow, own: Sequence[AnyRow]) -> MediaState:
    if row.state in OPEN_DOWNLOADS:
        return MediaState.ARRIVED
    if row.state != DownloadState.COMPLETED:
        return MediaState(row.state)
    has_one = any(each.state in VERIFIED_UPLOADS for each in own)
    has_all = all(each.state in VERIFIED_UPLOADS for each in own if each.is_required)
    return MediaState.RELAYED if has_one and has_all else MediaState.DOWNLOADED


def _set_medium(ledger: Ledger, media_id: int, before: MediaState, state: MediaState) -> None:
    with ledger.write() as connection:
        for each in (*_between(before, state), state):
            media.set_state(connection, [media_id], each, run_id=None)


def _between(before: MediaState, after: MediaState) -> Sequence[MediaState]:
    """Return the states that lead from one to another: all are reached from `arrived`."""
    if after is before or after in MEDIA.transitions[before]:
        return ()
    first = () if before is MediaState.ARRIVED else (MediaState.ARRIVED,)
    return (
        first
        if after in MEDIA.transitions[MediaState.ARRIVED]
        else (
            *first,
            MediaState.DOWNLOADED,
        )
    )


def _fetch_again(ledger: Ledger, row: AnyRow) -> None:
    with ledger.write() as connection:
        current = downloads.get(connection, row.id)
        if current.media_state == MediaState.RELAYED:
            media.set_state(connection, [row.media_id], MediaState.DOWNLOADED, run_id=None)
        downloads.end(connection, current, DownloadState.FAILED, _MISSING, run_id=None)
        downloads.retry(connection, row.id)


def _note_cleaned(ledger: Ledger, row: AnyRow) -> None:
    with ledger.write() as connection:
        uploads.mark_cleaned(connection, [row.id], run_id=None)
