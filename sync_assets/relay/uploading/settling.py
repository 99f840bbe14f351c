"""What an outcome means for the rows of uploads; written together at the end of each step."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from sync_assets.ledger import Ledger, StateConflictError
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import downloads, uploads
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.engine.outcomes import TryAgain, pause_seconds
from sync_assets.relay.models import DownloadState, MediaState, Reason, UploadState
from sync_assets.relay.uploading.outcomes import (
    Postponed,
    Published,
    Refused,
    SourceLost,
    Stopped,
    UploadOutcome,
)
from sync_assets.settings.relay import RelaySettings

_logger = logging.getLogger(__name__)

Write = Callable[[Connection], Any]


@dataclass
class UploadReport:
    """What a worker has done.

    Attributes:
        completed: Uploads that were completed.
        failed: Uploads that were given up.
        retried: Attempts that failed and are to be repeated.
        cleaned: Local files that were removed.
        sent_bytes: The sizes of those that were completed.
    """

    completed: int = 0
    failed: int = 0
    retried: int = 0
    cleaned: int = 0
    sent_bytes: int = 0


class UploadSettling:
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
        self._published: list[tuple[AnyRow, Published]] = []
        self._cleaned: list[int] = []
        self._progress: dict[int, uploads.Progress] = {}
        self.report = UploadReport()

    def add(self, change: Write) -> None:
        """Add a change.

        Args:
            change: Writes it, in the transaction that it gets.
        """
        self._changes.append(change)

    def settle(self, row: AnyRow, outcome: UploadOutcome) -> None:
        """Bring an upload to where an outcome leads.

        Args:
            row: The upload, as it was when it began.
            outcome: What became of it.
        """
        if isinstance(outcome, Published):
            self._published.append((row, outcome))
        else:
            self.add(lambda connection: self._end_attempt(connection, row, outcome))

    def fail(self, row: AnyRow, reason: Reason) -> None:
        """Give an upload up.

        Args:
            row: The upload.
            reason: Why, with what to do.
        """
        self.add(lambda connection: self._fail(connection, row, reason))

    def clean(self, download_id: int) -> None:
        """Note that a download's local file is removed.

        Args:
            download_id: The download.
        """
        self._cleaned.append(download_id)

    def progress(self, upload_id: int, uploaded_bytes: int, bytes_per_second: int) -> None:
        """Note how far an upload is.

        Args:
            upload_id: The upload.
            uploaded_bytes: How much is at the target.
            bytes_per_second: How fast it gets there.
        """
        self._progress[upload_id] = uploads.Progress(uploaded_bytes, bytes_per_second)

    def write(self, beginning: Mapping[int, str] | None = None) -> Sequence[int]:
        """Write what was collected.

        Args:
            beginning: Where pending uploads go that are to begin, by their ids.

        Returns:
            The ids of the uploads that begin now.

        Raises:
            LedgerUnavailableError: It could not be written; it is collected still, and nothing
                begins.
        """
        collected = (self._changes, self._published, self._cleaned, self._progress)
        if not any(collected) and not beginning:
            return ()
        with self._ledger.write() as connection:
            for change in self._changes:
                # A user was faster with this one: the next step sees what is wanted.
                with suppress(StateConflictError):
                    change(connection)
            uploads.set_progress(connection, self._progress)
            self._write_published(connection)
            if self._cleaned:
                uploads.mark_cleaned(connection, self._cleaned, run_id=self._run_id)
            begun = uploads.start(connection, beginning or {}, run_id=self._run_id)
        self.report.completed += len(self._published)
        self.report.sent_bytes += sum(outcome.size_bytes for _, outcome in self._published)
        self.report.cleaned += len(self._cleaned)
        for each in collected:
            each.clear()
        return begun

    def _write_published(self, connection: Connection) -> None:
        if not self._published:
            return
        completions = [
            uploads.Completion(row, each.size_bytes, each.verified_by, each.proof, each.remote_path)
            for row, each in self._published
        ]
        uploads.complete(connection, completions, run_id=self._run_id)

    def _fail(self, connection: Connection, row: AnyRow, reason: Reason, **changes: int) -> None:
        self.report.failed += 1
        _logger.warning("Upload %d has failed: %s", row.id, reason.text)
        uploads.fail(connection, row, reason, run_id=self._run_id, **changes)

    def _end_attempt(self, connection: Connection, begun: AnyRow, outcome: UploadOutcome) -> None:
        if isinstance(outcome, SourceLost):
            # Before it is written, so that nobody takes a damaged file for the download's.
            self._folders.discard(downloads.get(connection, begun.download_id))
        row = uploads.get_upload(connection, begun.id)
        if row.state != UploadState.UPLOADING:
            return
        match outcome:
            case Postponed():
                self._postpone(connection, row, outcome)
            case Refused():
                self._fail(connection, row, outcome.reason)
                if outcome.is_of_target:
                    pause = timedelta(seconds=self._settings.retry_backoff_max_seconds)
                    uploads.hold_target(
                        connection, row.target, outcome.reason, not_before=utc_now() + pause
                    )
            case SourceLost():
                self._fail(connection, row, outcome.reason)
                download = downloads.get(connection, row.download_id)
                is_first = download.state == DownloadState.COMPLETED
                if is_first and row.media_state != MediaState.RELAYED:
                    downloads.end(
                        connection,
                        download,
                        DownloadState.FAILED,
                        outcome.reason,
                        run_id=self._run_id,
                    )
            case Stopped():
                # Only the worker's end stops what is still wanted: the next one begins it again.
                uploads.put_off(
                    connection,
                    row,
                    None,
                    not_before=None,
                    attempts=row.attempts,
                    run_id=self._run_id,
                )

    def _postpone(self, connection: Connection, row: AnyRow, outcome: Postponed) -> None:
        attempts = row.attempts + outcome.is_attempt
        if attempts >= self._settings.max_attempts:
            self._fail(connection, row, outcome.reason, attempts=attempts)
            return
        self.report.retried += 1
        again = TryAgain(outcome.reason, after_seconds=outcome.after_seconds)
        seconds = pause_seconds(self._settings, max(1, attempts), again)
        _logger.info("Upload %d is put off for %.0f s: %s", row.id, seconds, outcome.reason.text)
        uploads.put_off(
            connection,
            row,
            outcome.reason,
            not_before=utc_now() + timedelta(seconds=seconds),
            attempts=attempts,
            run_id=self._run_id,
        )
