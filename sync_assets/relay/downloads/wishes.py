"""What users and other domains want of downloads, written at once; it needs no worker.

`command` tells the next worker what to pass on to aria2.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from sync_assets.errors import SyncError
from sync_assets.ledger.schema import relay_downloads
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import media, uploads
from sync_assets.relay.downloads.lifecycle import DOWNLOADS, IDLE, reason_columns, set_columns
from sync_assets.relay.downloads.progress import end
from sync_assets.relay.downloads.queries import get, latest
from sync_assets.relay.media import NewMedium
from sync_assets.relay.models import (
    OPEN_DOWNLOADS,
    Command,
    DownloadState,
    MediaState,
    Reason,
    ReasonCode,
)

_CURED_BY_FRESH_LINK = frozenset(
    [
        ReasonCode.NOT_FOUND,
        ReasonCode.FORBIDDEN,
        ReasonCode.WRONG_CONTENT,
        ReasonCode.BAD_LINK,
        ReasonCode.TELEGRAM_REFUSED,
    ]
)
_BY_USER = Reason(ReasonCode.USER, "Paused by the user. Resume it to go on.")


class DownloadNotPossibleError(SyncError):
    """What is wanted of a download does not fit its state."""


def create(connection: Connection, medium: AnyRow, *, run_id: str | None = None) -> int:
    """Add a medium's download; one that is open already stays the only one.

    Args:
        connection: A writing transaction of the ledger.
        medium: The row of the medium.
        run_id: The Dagster run.

    Returns:
        The id of the open download.
    """
    columns = relay_downloads.c
    query = select(columns.id).where(
        columns.media_id == medium.id, columns.state.in_(OPEN_DOWNLOADS)
    )
    known = connection.execute(query).scalar()
    if known is not None:
        return known
    (download_id,) = DOWNLOADS.create(
        connection,
        [
            {
                "media_id": medium.id,
                "gid": _new_gid(),
                "created_at": utc_now(),
                "expected_bytes": medium.size_bytes,
                "expected_checksum": medium.checksum,
            }
        ],
        run_id=run_id,
    )
    media.set_state(connection, [medium.id], MediaState.ARRIVED, run_id=run_id)
    assert download_id is not None  # noqa: S101 - created without conflict clause
    return download_id


@dataclass(frozen=True)
class Wanted:
    """What has become of a wish for a medium.

    Attributes:
        media_id: The medium.
        download_id: Its newest download.
        is_new: Whether the medium was not known before.
    """

    media_id: int
    download_id: int
    is_new: bool


def want(connection: Connection, new: NewMedium, *, run_id: str | None = None) -> Wanted:
    """Want a medium; wanting it again changes nothing, but brings a fresh link.

    Args:
        connection: A writing transaction of the ledger.
        new: The medium.
        run_id: The Dagster run.

    Returns:
        The medium and its download. One that failed for want of a fresh link is tried again.
    """
    before = media.find(connection, new)
    row = media.add_medium(connection, new)
    download = latest(connection, row.id)
    if before is None or download is None:
        return Wanted(row.id, create(connection, row, run_id=run_id), before is None)
    is_fresh = (before.link, before.file_id) != (row.link, row.file_id)
    has_failed = download.state == DownloadState.FAILED
    if is_fresh and has_failed and download.reason_code in _CURED_BY_FRESH_LINK:
        retry(connection, download.id, run_id=run_id)
    return Wanted(row.id, download.id, is_new=False)


def pause(connection: Connection, download_id: int, *, run_id: str | None = None) -> None:
    """Pause a download; one that is paused already stays so.

    Args:
        connection: A writing transaction of the ledger.
        download_id: Which.
        run_id: The Dagster run; None for a user.

    Raises:
        DownloadNotPossibleError: It has ended.
    """
    row = get(connection, download_id)
    if row.state == DownloadState.PAUSED:
        set_columns(connection, download_id, command=Command.PAUSE, **reason_columns(_BY_USER))
        return
    _require(row, OPEN_DOWNLOADS, "pause")
    DOWNLOADS.transition(
        connection,
        download_id,
        DownloadState.PAUSED,
        run_id=run_id,
        detail={"reason_code": ReasonCode.USER},
        command=Command.PAUSE,
        **reason_columns(_BY_USER),
        **IDLE,
    )


def resume(connection: Connection, download_id: int, *, run_id: str | None = None) -> None:
    """Let a paused download go on; one that is under way stays so.

    Args:
        connection: A writing transaction of the ledger.
        download_id: Which.
        run_id: The Dagster run; None for a user.

    Raises:
        DownloadNotPossibleError: It has ended.
    """
    row = get(connection, download_id)
    _require(row, OPEN_DOWNLOADS, "resume")
    if row.state != DownloadState.PAUSED:
        return
    DOWNLOADS.transition(
        connection,
        download_id,
        DownloadState.PENDING,
        run_id=run_id,
        command=Command.RESUME,
        not_before=None,
        **reason_columns(None),
    )


def retry(connection: Connection, download_id: int, *, run_id: str | None = None) -> None:
    """Try a failed or cancelled download again, from what is there of its file.

    Args:
        connection: A writing transaction of the ledger.
        download_id: Which.
        run_id: The Dagster run; None for a user.

    Raises:
        DownloadNotPossibleError: It has not failed, or the medium has a newer download.
    """
    row = get(connection, download_id)
    if row.state == DownloadState.PENDING:
        set_columns(connection, download_id, not_before=None)
        return
    _require(row, (DownloadState.FAILED, DownloadState.CANCELLED), "retry")
    newest = latest(connection, row.media_id)
    if newest is not None and newest.id != download_id:
        raise DownloadNotPossibleError(
            f"Download {download_id} was replaced by download {newest.id}.",
            remedy=f"Retry download {newest.id} instead.",
        )
    DOWNLOADS.transition(
        connection,
        download_id,
        DownloadState.PENDING,
        run_id=run_id,
        attempts=0,
        retries=relay_downloads.c.retries + 1,
        not_before=None,
        aria2_session=None,
        **reason_columns(None),
    )
    media.set_state(connection, [row.media_id], MediaState.ARRIVED, run_id=run_id)
    uploads.download_restarted(connection, download_id, run_id=run_id)


def cancel(connection: Connection, download_id: int, *, run_id: str | None = None) -> None:
    """Cancel a download; the next worker removes what is there of its file.

    Args:
        connection: A writing transaction of the ledger.
        download_id: Which.
        run_id: The Dagster run; None for a user.

    Raises:
        DownloadNotPossibleError: It is completed.
    """
    row = get(connection, download_id)
    if row.state == DownloadState.CANCELLED:
        return
    _require(row, (*OPEN_DOWNLOADS, DownloadState.FAILED), "cancel")
    end(
        connection,
        row,
        DownloadState.CANCELLED,
        Reason(ReasonCode.USER, "Cancelled by the user. Retry it to have it after all."),
        run_id=run_id,
        command=Command.CANCEL,
    )


def _require(row: AnyRow, states: Sequence[DownloadState], verb: str) -> None:
    if row.state not in states:
        raise DownloadNotPossibleError(
            f"Download {row.id} is {row.state}: there is nothing to {verb}.",
            remedy=f"Only a download that is {', '.join(states)} can be taken so.",
        )


def _new_gid() -> str:
    gid = secrets.token_hex(8)
    return gid if int(gid, 16) else _new_gid()
