"""Downloads: from the moment that a medium is wanted until its file is verified on disk.

Holds the lifecycle and the only functions that write to `relay_downloads`. What a user wants is
written here at once and needs no worker; `command` tells the next worker what to pass on to aria2.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from sync_assets.errors import SyncError
from sync_assets.ledger.lifecycle import Lifecycle, UnknownSubjectError
from sync_assets.ledger.schema import relay_downloads, relay_media
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import media
from sync_assets.relay.media import NewMedium
from sync_assets.relay.models import (
    OPEN_DOWNLOADS,
    Command,
    DownloadState,
    MediaState,
    Reason,
    ReasonCode,
)

_UNFINISHED = frozenset(OPEN_DOWNLOADS)
_ENDS = {DownloadState.COMPLETED, DownloadState.FAILED, DownloadState.CANCELLED}

DOWNLOADS = Lifecycle(
    "relay_download",
    states=DownloadState,
    initial={DownloadState.PENDING},
    transitions={
        # aria2 may be anywhere by the time it is asked: from one open state to every other one.
        **{state: (_UNFINISHED | _ENDS) - {state} for state in OPEN_DOWNLOADS},
        DownloadState.COMPLETED: {DownloadState.FAILED},
        DownloadState.FAILED: {DownloadState.PENDING, DownloadState.CANCELLED},
        DownloadState.CANCELLED: {DownloadState.PENDING},
    },
)
DOWNLOADS.bind(relay_downloads)

_HELD = tuple(state for state in OPEN_DOWNLOADS if state is not DownloadState.PENDING)
_MOST_DUE = 100
_CURED_BY_FRESH_LINK = frozenset(
    [
        ReasonCode.NOT_FOUND,
        ReasonCode.FORBIDDEN,
        ReasonCode.WRONG_CONTENT,
        ReasonCode.BAD_LINK,
        ReasonCode.TELEGRAM_REFUSED,
    ]
)
_IDLE: Mapping[str, Any] = {"bytes_per_second": 0}
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
    media.set_state(connection, medium.id, MediaState.ARRIVED, run_id=run_id)
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


def get(connection: Connection, download_id: int) -> AnyRow:
    """Return a download together with its medium's columns, those as `media_…`.

    Args:
        connection: A transaction of the ledger.
        download_id: Which.

    Raises:
        UnknownSubjectError: There is none.
    """
    row = connection.execute(_query().where(relay_downloads.c.id == download_id)).one_or_none()
    if row is None:
        raise UnknownSubjectError(
            f"There is no download {download_id}.", remedy="Check the id; it may be deleted."
        )
    return row


def open_downloads(connection: Connection) -> Sequence[AnyRow]:
    """Return what a worker has to look at, oldest first.

    That is what aria2 has or may have, what a user wants, and the oldest of what is due.

    Args:
        connection: A transaction of the ledger.
    """
    columns = relay_downloads.c
    due = select(columns.id).where(_is_due()).order_by(columns.id).limit(_MOST_DUE)
    query = _query().where(
        or_(
            columns.state.in_(_HELD),
            columns.command.is_not(None),
            columns.id.in_(due.scalar_subquery()),
        )
    )
    return connection.execute(query.order_by(columns.id)).all()


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
    query = select(func.count()).where(_movable(disk_has_space=disk_has_space))
    return connection.execute(query).scalar_one()


def next_due(connection: Connection) -> datetime | None:
    """Return when the first download that is put off is to be tried again; None for none.

    Args:
        connection: A transaction of the ledger.
    """
    columns = relay_downloads.c
    query = select(func.min(columns.not_before)).where(
        columns.state == DownloadState.PENDING, columns.not_before > utc_now()
    )
    return connection.execute(query).scalar()


# What a user wants.


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
        _set(connection, download_id, command=Command.PAUSE, **_why(_BY_USER))
        return
    _require(row, OPEN_DOWNLOADS, "pause")
    DOWNLOADS.transition(
        connection,
        download_id,
        DownloadState.PAUSED,
        run_id=run_id,
        detail={"reason_code": ReasonCode.USER},
        command=Command.PAUSE,
        **_why(_BY_USER),
        **_IDLE,
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
        **_why(None),
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
        _set(connection, download_id, not_before=None)
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
        **_why(None),
    )
    media.set_state(connection, row.media_id, MediaState.ARRIVED, run_id=run_id)


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


# What a worker finds.


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
    values = {**_why(reason), **changes}
    if state is not DownloadState.DOWNLOADING:
        values = {**_IDLE, **values}
    if row.state == state:
        _set(connection, row.id, **values)
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
        **_why(None),
        **_IDLE,
    )
    media.set_state(connection, row.media_id, MediaState.DOWNLOADED, run_id=run_id)


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
        **{"not_before": None, "command": None, **_why(reason), **_IDLE, **changes},
    )
    media.set_state(connection, row.media_id, MediaState(state.value), run_id=run_id)


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
    _set(connection, download_id, **changes)


def _query() -> Any:
    own = {column.name for column in relay_downloads.c}
    others = [
        column.label(f"media_{column.name}")
        for column in relay_media.c
        if f"media_{column.name}" not in own
    ]
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
    return or_(not_before.is_(None), not_before <= utc_now())


def _set(connection: Connection, download_id: int, **values: Any) -> None:
    connection.execute(
        update(relay_downloads).where(relay_downloads.c.id == download_id).values(**values)
    )


def _why(reason: Reason | None) -> dict[str, Any]:
    return {
        "reason_code": reason.code if reason else None,
        "reason": reason.text if reason else None,
    }


def _require(row: AnyRow, states: Sequence[DownloadState], verb: str) -> None:
    if row.state not in states:
        raise DownloadNotPossibleError(
            f"Download {row.id} is {row.state}: there is nothing to {verb}.",
            remedy=f"Only a download that is {', '.join(states)} can be taken so.",
        )


def _new_gid() -> str:
    gid = secrets.token_hex(8)
    return gid if int(gid, 16) else _new_gid()
