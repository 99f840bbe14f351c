"""What a worker finds out about downloads, and writes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from sync_assets.ledger.lifecycle import Change
from sync_assets.ledger.schema import relay_downloads
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import media, uploads
from sync_assets.relay.downloads.lifecycle import DOWNLOADS, IDLE, reason_columns, set_columns
from sync_assets.relay.models import OPEN_DOWNLOADS, DownloadState, MediaState, Reason


@dataclass(frozen=True)
class Move:
    """A download that comes into an open state.

    Attributes:
        row: The download, as it was when this was found out.
        state: The state; the one that it is in only sets the columns.
        reason: Why it does not move; None where it does.
        columns: Other columns to set.
    """

    row: AnyRow
    state: DownloadState
    reason: Reason | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)

    @property
    def change(self) -> Change:
        """What changes with the state."""
        reason = self.reason
        idle = {} if self.state is DownloadState.DOWNLOADING else IDLE
        detail = {"reason_code": reason.code, "reason": reason.text} if reason else {}
        return Change({**reason_columns(reason), **idle, **self.columns}, detail)


def move(connection: Connection, moves: Sequence[Move], *, run_id: str | None) -> None:
    """Write which open states downloads are in; one that is in another by now is left as it is.

    Args:
        connection: A writing transaction of the ledger.
        moves: The downloads, each once.
        run_id: The Dagster run.
    """
    alike: dict[tuple[str, DownloadState, frozenset[str]], dict[int, Change]] = {}
    for each in moves:
        change = each.change
        if each.row.state == each.state:
            columns = relay_downloads.c
            is_same = columns.state == each.state
            connection.execute(
                update(relay_downloads)
                .where(columns.id == each.row.id, is_same)
                .values(**change.columns)
            )
            continue
        key = (each.row.state, each.state, frozenset(change.columns))
        alike.setdefault(key, {})[each.row.id] = change
    for (before, after, _), changes in alike.items():
        expected = {DownloadState(before)}
        DOWNLOADS.transition_each(connection, changes, after, expected=expected, run_id=run_id)


def start(connection: Connection, download_ids: Collection[int]) -> None:
    """Write that aria2 is about to be given downloads.

    Args:
        connection: A writing transaction of the ledger.
        download_ids: The downloads.
    """
    columns = relay_downloads.c
    connection.execute(
        update(relay_downloads)
        .where(columns.id.in_(download_ids), columns.started_at.is_(None))
        .values(started_at=utc_now())
    )


@dataclass(frozen=True)
class Finished:
    """A download whose file is on disk and verified.

    Attributes:
        row: The download.
        path: The file, or the folder of a torrent of several.
        size_bytes: The size of all of it.
        checksum: Its SHA-256 as `sha-256=…`; None for a folder, which its torrent verified.
    """

    row: AnyRow
    path: str
    size_bytes: int
    checksum: str | None


def complete(
    connection: Connection, finished: Sequence[Finished], *, run_id: str | None
) -> Sequence[Finished]:
    """Write that the files of downloads are on disk and verified.

    Args:
        connection: A writing transaction of the ledger.
        finished: The downloads.
        run_id: The Dagster run.

    Returns:
        Those that were still open; of the others nothing is written.
    """
    now = utc_now()
    changes = {
        each.row.id: Change(_finished_columns(each, now), {"size_bytes": each.size_bytes})
        for each in finished
    }
    changed = DOWNLOADS.transition_each(
        connection, changes, DownloadState.COMPLETED, expected=OPEN_DOWNLOADS, run_id=run_id
    )
    done = [each for each in finished if each.row.id in set(changed)]
    media_ids = [each.row.media_id for each in done]
    media.set_state(connection, media_ids, MediaState.DOWNLOADED, run_id=run_id)
    sizes = {each.row.id: each.size_bytes for each in done}
    uploads.downloads_completed(connection, sizes, run_id=run_id)
    return done


def _finished_columns(finished: Finished, now: datetime) -> dict[str, Any]:
    return {
        "path": finished.path,
        "checksum": finished.checksum,
        "completed_bytes": finished.size_bytes,
        "total_bytes": finished.size_bytes,
        "completed_at": now,
        "not_before": None,
        "command": None,
        **reason_columns(None),
        **IDLE,
    }


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
    media.set_state(connection, [row.media_id], MediaState(state.value), run_id=run_id)
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
