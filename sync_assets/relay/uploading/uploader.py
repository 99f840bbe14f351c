"""The loop that drives uploads to rest.

Each step writes what has ended, sees what is wanted, and begins what is due; the work itself is
done in threads. Intent is written before a target is asked, and what it says is written after.
Nothing is remembered between two steps that a new worker could not find out.
"""

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from sync_assets import strm
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import uploads
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.models import Command, Reason, ReasonCode, UploadState
from sync_assets.relay.uploading.chores import Chores
from sync_assets.relay.uploading.outcomes import (
    Postponed,
    Published,
    Refused,
    Stopped,
    UploadOutcome,
)
from sync_assets.relay.uploading.settling import UploadReport, UploadSettling
from sync_assets.relay.uploading.targets import Target
from sync_assets.relay.uploading.transfer import StoppedError, Transfer
from sync_assets.settings.relay import RelaySettings

_UNKNOWN_TARGET = Reason(
    ReasonCode.UNKNOWN_TARGET,
    "The target is not configured, or cannot be used as things are. Correct relay.targets (and "
    "telegram.bot_token for a chat), then retry the upload; or cancel it.",
)
# While some are sent, others are verified and moved, which takes a small file longer; and there
# must be enough until the next step.
_UNDER_WAY_PER_SLOT = 8
_MOST_AT_ONCE = 500
"""Downloads that are planned in one step; the next one goes on."""

_logger = logging.getLogger(__name__)


@dataclass
class _UnderWay:
    row: AnyRow
    transfer: Transfer
    future: Future[UploadOutcome]
    written_bytes: int = 0


@dataclass(frozen=True)
class _Beginning:
    target: Target
    remote_path: str
    is_first: bool


@dataclass
class _Settled:
    """What has ended: the uploads that are at rest by that, and the targets that take nothing."""

    uploads: set[int] = field(default_factory=set)
    refusing: set[str] = field(default_factory=set)


class Uploader:
    """Drives uploads, and removes the local files that all required targets have.

    Args:
        settings: The configuration of the relay.
        ledger: The ledger.
        targets: The targets that can be used, by name.
        run_id: The Dagster run, for the history.
    """

    def __init__(
        self,
        settings: RelaySettings,
        ledger: Ledger,
        targets: Mapping[str, Target],
        *,
        run_id: str | None,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._targets = targets
        self._run_id = run_id
        self._folders = DownloadFolders(settings.download_directory, trusts_length=False)
        self._settling = UploadSettling(settings, ledger, self._folders, run_id=run_id)
        self._pool = ThreadPoolExecutor(2 * self._most_under_way, "upload")
        self._slots = threading.BoundedSemaphore(settings.upload_concurrency)
        self._chores = Chores(
            settings, ledger, targets, self._folders, self._settling, run_id=run_id
        )
        self._under_way: dict[int, _UnderWay] = {}
        self._begins_new = True
        self._beginning: dict[int, _Beginning] = {}

    @property
    def report(self) -> UploadReport:
        """What was done so far."""
        return self._settling.report

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way that would have to begin again."""
        return bool(self._under_way)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what is under way, and write that it is to begin again."""
        for each in self._under_way.values():
            each.transfer.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._chores.close()
        self._settle()
        self._settling.write()

    def finish(self) -> None:
        """Begin nothing more: the worker's time is over. What is under way goes on."""
        self._begins_new = False
        for each in self._under_way.values():
            each.transfer.hold_back(Stopped())

    def step(self) -> bool:
        """Bring ledger and targets together once.

        Returns:
            Whether anything moves, so that another step is wanted soon.
        """
        settled = self._settle()
        self._plan()
        self._beginning.clear()
        with self._ledger.read() as connection:
            found = uploads.open_uploads(connection, most_due=self._most_under_way)
        # What has become of those is written at the end of the step.
        rows = [row for row in found if row.id not in settled.uploads]
        wanted = {row.id for row in rows if row.state == UploadState.UPLOADING}
        for upload_id, each in self._under_way.items():
            if upload_id in wanted:
                self._write_progress(each)
            else:
                each.transfer.stop()
        for row in rows:
            if row.id not in self._under_way:
                self._consider(row, settled.refusing)
        paths = {upload_id: each.remote_path for upload_id, each in self._beginning.items()}
        self._submit(self._settling.write(paths))
        if self._settings.clean_local_files:
            self._chores.clean()
        return self._is_moving()

    def seconds_until_due(self) -> float | None:
        """Return how long until the first upload that is put off is due; None for none."""
        with self._ledger.read() as connection:
            due = uploads.next_upload_due(connection)
        return None if due is None else max(0.0, (due - utc_now()).total_seconds())

    def _is_moving(self) -> bool:
        if self._under_way or self._chores.is_busy:
            return True
        with self._ledger.read() as connection:
            return self._begins_new and uploads.due_upload_count(connection) > 0

    def _plan(self) -> None:
        targets = self._settings.targets
        with self._ledger.read() as connection:
            unplanned = uploads.unplanned(connection, targets, most=1)
        if unplanned:
            with self._ledger.write() as connection:
                unplanned = uploads.unplanned(connection, targets, most=_MOST_AT_ONCE)
                uploads.plan(connection, unplanned, targets, run_id=self._run_id)

    def _consider(self, row: AnyRow, refusing: Collection[str]) -> None:
        target = self._targets.get(row.target)
        if row.command == Command.CANCEL:
            self._chores.remove_part(row)
        elif row.state == UploadState.UPLOADING:
            self._take_over(row, target)
        elif row.target in refusing:
            return
        elif row.state == UploadState.PENDING and self._has_room(target):
            if target is None:
                self._settling.fail(row, _UNKNOWN_TARGET)
            else:
                path = row.remote_path or target.path(row)
                self._beginning[row.id] = _Beginning(target, path, row.started_at is None)

    def _take_over(self, row: AnyRow, target: Target | None) -> None:
        """Bring an upload on that a worker had begun which was killed."""
        lost = target.lost_answer if target is not None else None
        self._settling.settle(row, Stopped() if lost is None else Refused(lost))

    def _submit(self, upload_ids: Sequence[int]) -> None:
        """Give the threads what is written to begin."""
        if not upload_ids:
            return
        with self._ledger.read() as connection:
            rows = uploads.get_uploads(connection, upload_ids)
        for row in rows:
            beginning = self._beginning[row.id]
            transfer = Transfer(self._slots, is_first=beginning.is_first)
            future = self._pool.submit(self._send, beginning.target, row, transfer)
            self._under_way[row.id] = _UnderWay(row, transfer, future)

    @property
    def _most_under_way(self) -> int:
        return _UNDER_WAY_PER_SLOT * self._settings.upload_concurrency

    def _has_room(self, target: Target | None) -> bool:
        if not self._begins_new:
            return False
        if target is None or target.lost_answer is None:
            return len(self._under_way) + len(self._beginning) < self._most_under_way
        # Whatever has begun there when a worker is killed counts as lost: so none waits for a slot.
        others = [
            each for each in self._under_way.values() if self._targets[each.row.target].lost_answer
        ]
        return len(others) + len(self._beginning) < self._settings.upload_concurrency

    def _send(self, target: Target, row: AnyRow, transfer: Transfer) -> UploadOutcome:
        try:
            outcome = _send(target, row, transfer)
            if isinstance(outcome, Refused) and outcome.is_of_target:
                self._hold_back(row.target, outcome.reason)
        finally:
            transfer.end()
        return outcome

    def _hold_back(self, target: str, reason: Reason) -> None:
        """Put off what waits for a slot: it would fail too."""
        seconds = self._settings.retry_backoff_max_seconds
        held = Postponed(reason, after_seconds=seconds, is_attempt=False)
        for each in list(self._under_way.values()):
            if each.row.target == target:
                each.transfer.hold_back(held)

    def _settle(self) -> _Settled:
        """Take what has ended, to be written."""
        settled = _Settled()
        for upload_id in [key for key, each in self._under_way.items() if each.future.done()]:
            each = self._under_way.pop(upload_id)
            outcome = Stopped() if each.future.cancelled() else each.future.result()
            if isinstance(outcome, Published):
                self._announce(each.row, outcome)
            self._settling.settle(each.row, outcome)
            settled.uploads.add(upload_id)
            if isinstance(outcome, Refused) and outcome.is_of_target:
                settled.refusing.add(each.row.target)
        settled.uploads |= self._chores.settle()
        return settled

    def _announce(self, row: AnyRow, outcome: Published) -> None:
        """Tell the STRM jobs, before the upload counts as completed: so it is told, once."""
        path = self._targets[row.target].announced_path(outcome.remote_path)
        if path is not None:
            event_id = f"relay-upload-{row.id}-{row.retries}"
            try:
                strm.notify(self._ledger, path, "create", event_id=event_id)
            except SyncError as error:
                # The next full scan finds the file all the same.
                _logger.warning("The STRM jobs do not learn of upload %d: %s", row.id, error)

    def _write_progress(self, each: _UnderWay) -> None:
        transfer = each.transfer
        if each.written_bytes == transfer.uploaded_bytes:
            return
        each.written_bytes = transfer.uploaded_bytes
        columns = {
            "uploaded_bytes": transfer.uploaded_bytes,
            "bytes_per_second": transfer.bytes_per_second,
        }
        self._settling.add(partial(uploads.set_progress, upload_id=each.row.id, **columns))


def _send(target: Target, row: AnyRow, transfer: Transfer) -> UploadOutcome:
    try:
        return target.send(row, transfer)
    except StoppedError:
        return transfer.stopped_with
    except SyncError as error:
        return Postponed(Reason(ReasonCode.RCLONE_ERROR, f"{error.message} {error.remedy}"))
    except Exception as error:
        # A mistake of ours, or something that nobody foresaw: of this upload, not of all.
        _logger.exception("Upload %d cannot be done", row.id)
        if target.lost_answer is not None:
            return Refused(target.lost_answer)
        text = f"It cannot be done ({type(error).__name__}). The run's log says more."
        return Postponed(Reason(ReasonCode.FILE_ERROR, text))
