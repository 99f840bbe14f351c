"""What an outcome means for the rows of uploads and downloads."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

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
    """Writes what has become of uploads.

    Args:
        settings: The configuration of the relay.
        folders: Where downloads lie.
        run_id: The Dagster run, for the history.
    """

    def __init__(
        self,
        settings: RelaySettings,
        folders: DownloadFolders,
        *,
        run_id: str | None,
    ) -> None:
        self._settings = settings
        self._folders = folders
        self._run_id = run_id
        self.report = UploadReport()

    def settle(self, connection: Connection, row: AnyRow, outcome: UploadOutcome) -> None:
        """Bring an upload to where an outcome leads.

        Args:
            connection: A writing transaction of the ledger.
            row: The upload, as it was when it began.
            outcome: What became of it.
        """
        if isinstance(outcome, SourceLost):
            # Before it is written, so that nobody takes a damaged file for the download's.
            self._folders.discard(downloads.get(connection, row.download_id))
        current = uploads.get_upload(connection, row.id)
        if isinstance(outcome, Published):
            self._complete(connection, current, outcome)
        elif current.state == UploadState.UPLOADING:
            self._end_attempt(connection, current, outcome)

    def fail(self, connection: Connection, row: AnyRow, reason: Reason, **changes: int) -> None:
        """Give an upload up.

        Args:
            connection: A writing transaction of the ledger.
            row: The upload.
            reason: Why, with what to do.
            **changes: Other columns to set.
        """
        self.report.failed += 1
        _logger.warning("Upload %d has failed: %s", row.id, reason.text)
        uploads.fail(connection, row, reason, run_id=self._run_id, **changes)

    def _complete(self, connection: Connection, row: AnyRow, outcome: Published) -> None:
        uploads.complete(
            connection,
            row,
            size_bytes=outcome.size_bytes,
            verified_by=outcome.verified_by,
            proof=outcome.proof,
            remote_path=outcome.remote_path,
            run_id=self._run_id,
        )
        self.report.completed += 1
        self.report.sent_bytes += outcome.size_bytes

    def _end_attempt(self, connection: Connection, row: AnyRow, outcome: UploadOutcome) -> None:
        match outcome:
            case Postponed():
                self._postpone(connection, row, outcome)
            case Refused():
                self.fail(connection, row, outcome.reason)
                if outcome.is_of_target:
                    pause = timedelta(seconds=self._settings.retry_backoff_max_seconds)
                    uploads.hold_target(
                        connection, row.target, outcome.reason, not_before=utc_now() + pause
                    )
            case SourceLost():
                self.fail(connection, row, outcome.reason)
                if row.media_state != MediaState.RELAYED:
                    download = downloads.get(connection, row.download_id)
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
            self.fail(connection, row, outcome.reason, attempts=attempts)
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
