"""What an outcome means for a download's row; written together at the end of each step."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from sync_assets.ledger import Ledger, StateConflictError
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import downloads, media, uploads
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.engine.outcomes import (
    Completed,
    GiveUp,
    Outcome,
    Removed,
    TorrentFetched,
    TryAgain,
    WaitForSpace,
    pause_seconds,
)
from sync_assets.relay.models import DownloadState, Reason, ReasonCode
from sync_assets.relay.torrents import infohash
from sync_assets.settings.relay import RelaySettings

_logger = logging.getLogger(__name__)

Write = Callable[[Connection], Any]


@dataclass
class DownloadReport:
    """What a worker has done.

    Attributes:
        completed: Downloads that were completed.
        failed: Downloads that were given up.
        retried: Attempts that failed and are to be repeated.
        received_bytes: The sizes of those that were completed.
    """

    completed: int = 0
    failed: int = 0
    retried: int = 0
    received_bytes: int = 0


class Settling:
    """Collects changes of rows, and writes them in one transaction.

    Args:
        settings: The configuration of the relay.
        ledger: The ledger.
        folders: Where downloads lie.
        run_id: The Dagster run, for the history.
    """

    def __init__(
        self,
        settings: RelaySettings,
        ledger: Ledger,
        folders: DownloadFolders,
        *,
        run_id: str | None,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._folders = folders
        self._run_id = run_id
        self._changes: list[Write] = []
        self._moves: list[downloads.Move] = []
        self._starting: list[int] = []
        self._completed: list[tuple[AnyRow, Completed]] = []
        self.report = DownloadReport()

    def add(self, change: Write) -> None:
        """Add a change.

        Args:
            change: Writes it, in the transaction that it gets.
        """
        self._changes.append(change)

    def move(
        self,
        row: AnyRow,
        state: DownloadState,
        reason: Reason | None = None,
        **changes: Any,
    ) -> None:
        """Bring a download into an open state.

        Args:
            row: The download.
            state: The state.
            reason: Why it does not move; None where it does.
            **changes: Other columns to set.
        """
        self._moves.append(downloads.Move(row, state, reason, changes))

    def start(self, rows: Sequence[AnyRow]) -> None:
        """Note that aria2 is about to be given downloads.

        Args:
            rows: The downloads.
        """
        self._starting.extend(row.id for row in rows)

    def settle(self, row: AnyRow, outcome: Outcome) -> None:
        """Bring a download to where an outcome leads.

        Args:
            row: The download.
            outcome: What became of its task.
        """
        match outcome:
            case Completed():
                self._completed.append((row, outcome))
            case TorrentFetched():
                self.add(lambda connection: self._keep_torrent(connection, row, outcome))
            case TryAgain():
                self._try_again(row, outcome)
            case GiveUp():
                self._give_up(row, outcome.reason)
            case WaitForSpace():
                pause = timedelta(seconds=self._settings.retry_backoff_initial_seconds)
                not_before = utc_now() + pause
                self.move(row, DownloadState.PAUSED, outcome.reason, not_before=not_before)
            case Removed():
                self._end(row, DownloadState.CANCELLED, outcome.reason)

    def write(self) -> None:
        """Write what was collected.

        Raises:
            LedgerUnavailableError: It could not be written; it is collected still.
        """
        collected = (self._changes, self._moves, self._completed, self._starting)
        if not any(collected):
            return
        with self._ledger.write() as connection:
            for change in self._changes:
                # A user was faster with this one: the next step sees what is wanted.
                with suppress(StateConflictError):
                    change(connection)
            downloads.move(connection, self._moves, run_id=self._run_id)
            self._write_completed(connection)
            if self._starting:
                downloads.start(connection, self._starting)
        for each in collected:
            each.clear()

    def _write_completed(self, connection: Connection) -> None:
        if not self._completed:
            return
        rows = [row for row, _ in self._completed]
        uploads.plan(connection, rows, self._settings.targets, run_id=self._run_id)
        finished = [
            downloads.Finished(row, outcome.path, outcome.size_bytes, outcome.checksum)
            for row, outcome in self._completed
        ]
        written = downloads.complete(connection, finished, run_id=self._run_id)
        self.report.completed += len(written)
        self.report.received_bytes += sum(each.size_bytes for each in written)

    def _keep_torrent(self, connection: Connection, row: AnyRow, fetched: TorrentFetched) -> None:
        other = media.set_torrent(
            connection, row.media_id, fetched.content, infohash(fetched.content)
        )
        if other is None:
            again = {"completed_bytes": 0, "total_bytes": None}
            moved = downloads.Move(row, DownloadState.PENDING, columns=again)
            downloads.move(connection, [moved], run_id=self._run_id)
            return
        text = f"It is the same torrent as medium {other}. Nothing to do."
        reason = Reason(ReasonCode.DUPLICATE_TORRENT, text)
        downloads.end(connection, row, DownloadState.FAILED, reason, run_id=self._run_id)
        self.report.failed += 1

    def _try_again(self, row: AnyRow, outcome: TryAgain) -> None:
        attempts = row.attempts + 1
        if outcome.discard:
            self._folders.discard(row)
        if attempts >= self._settings.max_attempts:
            self._give_up(row, outcome.reason, attempts=attempts)
            return
        self.report.retried += 1
        seconds = pause_seconds(self._settings, attempts, outcome)
        _logger.info("Download %d is put off for %.0f s: %s", row.id, seconds, outcome.reason.text)
        progress: dict[str, Any] = {}
        if outcome.discard:
            progress = {"completed_bytes": 0, "total_bytes": None}
        self.move(
            row,
            DownloadState.PENDING,
            outcome.reason,
            attempts=attempts,
            not_before=utc_now() + timedelta(seconds=seconds),
            **progress,
        )

    def _give_up(self, row: AnyRow, reason: Reason, **changes: Any) -> None:
        self.report.failed += 1
        _logger.warning("Download %d has failed: %s", row.id, reason.text)
        self._end(row, DownloadState.FAILED, reason, **changes)

    def _end(self, row: AnyRow, state: DownloadState, reason: Reason, **changes: Any) -> None:
        self.add(
            lambda connection: downloads.end(
                connection, row, state, reason, run_id=self._run_id, **changes
            )
        )
