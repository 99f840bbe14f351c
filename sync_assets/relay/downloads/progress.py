"""What a worker finds out about downloads, and writes."""

from typing import Any

from sqlalchemy import Connection, update

from sync_assets.ledger.schema import relay_downloads
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import media, uploads
from sync_assets.relay.downloads.lifecycle import DOWNLOADS, IDLE, reason_columns, set_columns
from sync_assets.relay.models import OPEN_DOWNLOADS, DownloadState, MediaState, Reason


def move(
    connection: Connection,
    row: AnyRow,
    state: DownloadState,
    reason: Reason | None = None,
    *,
    run_id: str | None,
    **changes: Any,
) -> None:
    """Write which open state a download is in; the same one again only sets the columns.

    Args:
        connection: A writing transaction of the ledger.
        row: The download.
        state: The state.
        reason: Why it does not move; None where it does.
        run_id: The Dagster run.
        **changes: Other columns to set.
    """
    values = {**reason_columns(reason), **changes}
    if state is not DownloadState.DOWNLOADING:
        values = {**IDLE, **values}
    if row.state == state:
        set_columns(connection, row.id, **values)
        return
    detail = {"reason_code": reason.code, "reason": reason.text} if reason else {}
    DOWNLOADS.transition(
        connection,
        row.id,
        state,
        expected={DownloadState(row.state)},
        run_id=run_id,
        detail=detail,
        **values,
    )


def complete(  # noqa: PLR0913 - all but two are named
    connection: Connection,
    row: AnyRow,
    *,
    path: str,
    size_bytes: int,
    checksum: str | None,
    run_id: str | None,
) -> None:
    """Write that a download's file is on disk and verified.

    Args:
        connection: A writing transaction of the ledger.
        row: The download.
        path: The file, or the folder of a torrent of several.
        size_bytes: The size of all of it.
        checksum: Its SHA-256 as `sha-256=…`; None for a folder, which its torrent verified.
        run_id: The Dagster run.
    """
    DOWNLOADS.transition(
        connection,
        row.id,
        DownloadState.COMPLETED,
        expected=OPEN_DOWNLOADS,
        run_id=run_id,
        detail={"size_bytes": size_bytes},
        path=path,
        checksum=checksum,
        completed_bytes=size_bytes,
        total_bytes=size_bytes,
        completed_at=utc_now(),
        not_before=None,
        command=None,
        **reason_columns(None),
        **IDLE,
    )
    media.set_state(connection, row.media_id, MediaState.DOWNLOADED, run_id=run_id)
    uploads.download_completed(connection, row.id, size_bytes=size_bytes, run_id=run_id)


def end(
    connection: Connection,
    row: AnyRow,
    state: DownloadState,
    reason: Reason,
    *,
    run_id: str | None,
    **changes: Any,
) -> None:
    """Write that a download has failed or is cancelled, and so its medium.

    Args:
        connection: A writing transaction of the ledger.
        row: The download.
        state: `failed` or `cancelled`.
        reason: Why, with what to do.
        run_id: The Dagster run.
        **changes: Other columns to set.
    """
    DOWNLOADS.transition(
        connection,
        row.id,
        state,
        expected={DownloadState(row.state)},
        run_id=run_id,
        detail={"reason_code": reason.code, "reason": reason.text},
        **{"not_before": None, "command": None, **reason_columns(reason), **IDLE, **changes},
    )
    media.set_state(connection, row.media_id, MediaState(state.value), run_id=run_id)
    if state is DownloadState.CANCELLED:
        uploads.download_cancelled(connection, row.id, run_id=run_id)


def heard(connection: Connection, row: AnyRow, **changes: Any) -> bool:
    """Write that aria2 was told what a user wanted; a newer wish stays.

    Args:
        connection: A writing transaction of the ledger.
        row: The download as it was when aria2 was told.
        **changes: Other columns to set.

    Returns:
        Whether it was still the newest wish.
    """
    columns = relay_downloads.c
    return bool(
        connection.execute(
            update(relay_downloads)
            .where(columns.id == row.id, columns.command == row.command)
            .values(command=None, **changes)
        ).rowcount
    )


def set_progress(connection: Connection, download_id: int, **changes: Any) -> None:
    """Write how far a download is; changes no state and leaves no event.

    Args:
        connection: A writing transaction of the ledger.
        download_id: Which.
        **changes: The columns to set.
    """
    set_columns(connection, download_id, **changes)
