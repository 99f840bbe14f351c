"""The loop that drives uploads to rest.

Each step writes what has ended, sees what is wanted, and begins what is due; the work itself is
done in threads. Intent is written before a target is asked, and what it says is written after.
Nothing is remembered between two steps that a new worker could not find out.
"""

import logging
import math
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Self

from sync_assets import strm
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import uploads
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.models import Command, Reason, ReasonCode, UploadState
from sync_assets.relay.uploading.batches import Batch, send_batch
from sync_assets.relay.uploading.chores import Chores
from sync_assets.relay.uploading.outcomes import (
    Postponed,
    Published,
    Refused,
    Stopped,
    UploadOutcome,
    refusals_of_target,
)
from sync_assets.relay.uploading.room import Room, few_under_way, most_under_way
from sync_assets.relay.uploading.settling import UploadReport, UploadSettling
from sync_assets.relay.uploading.targets import Target
from sync_assets.relay.uploading.transfer import PROGRESS_SECONDS, Transfer
from sync_assets.settings.relay import RelaySettings

_UNKNOWN_TARGET = Reason(
    ReasonCode.UNKNOWN_TARGET,
    "The target is not configured, or cannot be used as things are. Correct relay.targets (and "
    "telegram.bot_token for a chat), then retry the upload; or cancel it.",
)
_TOGETHER = 16
_MOST_AT_ONCE = 500
"""Downloads that are planned in one step; the next one goes on."""

_logger = logging.getLogger(__name__)


@dataclass
class _UnderWay:
    row: AnyRow
    transfer: Transfer
    future: Future[Mapping[int, UploadOutcome]]
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
        self._most_under_way = most_under_way(settings.upload_concurrency)
        self._few_under_way = few_under_way(settings.upload_concurrency)
        # One for each, so that all see when they are stopped; few are made, where files are sent
        # together.
        threads = self._most_under_way + len(targets) * self._few_under_way
        self._pool = ThreadPoolExecutor(threads, "upload")
        self._slots = threading.BoundedSemaphore(settings.upload_concurrency)
        self._chores = Chores(
            settings, ledger, targets, self._folders, self._settling, run_id=run_id
        )
        self._under_way: dict[int, _UnderWay] = {}
        self._batch_sizes: dict[Future[Mapping[int, UploadOutcome]], int] = {}
        self._begins_new = True
        self._progress_at = 0.0
        self._beginning: dict[int, _Beginning] = {}

    def prepare(self) -> None:
        """Plan what is to come, and let its targets get ready meanwhile: see `Driver`."""
        self._plan()
        with self._ledger.read() as connection:
            awaited = uploads.awaited_targets(connection)
        for name in awaited:
            if name in self._targets:
                self._pool.submit(self._targets[name].prepare)

    @property
    def report(self) -> UploadReport:
        """What was done so far."""
        return self._settling.report

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way that would have to begin again."""
        return bool(self._under_way)

    @property
    def is_hungry(self) -> bool:
        """Whether the slots will soon have nothing to do: see `Driver`."""
        left = sum(count for future, count in self._batch_sizes.items() if not future.done())
        return left < self._few_under_way

    @property
    def has_news(self) -> bool:
        """Whether an upload or a removal has ended: see `Driver`."""
        return self._chores.has_news or any(future.done() for future in self._batch_sizes)

    @property
    def is_waiting(self) -> bool:
        """Whether an upload or a removal is still to end: see `Driver`."""
        is_sending = any(not future.done() for future in self._batch_sizes)
        return is_sending or self._chores.is_waiting

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
        # What has become of the settled ones is written at the end of the step.
        known = settled.uploads | self._under_way.keys()
        with self._ledger.read() as connection:
            rows = uploads.open_uploads(
                connection, self._targets, most_due=self._most_under_way, known=known
            )
            wanted = set(uploads.still_uploading(connection, self._under_way))
        for upload_id, each in self._under_way.items():
            if upload_id not in wanted:
                each.transfer.stop()
        self._write_progress()
        room = self._room()
        for row in rows:
            self._consider(row, room, settled.refusing)
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

    def _room(self) -> Room:
        room = Room(self._settings.upload_concurrency)
        for each in self._under_way.values():
            room.take(self._targets[each.row.target], each.row.total_bytes or 0)
        return room

    def _consider(self, row: AnyRow, room: Room, refusing: Collection[str]) -> None:
        target = self._targets.get(row.target)
        if row.command == Command.CANCEL:
            self._chores.remove_part(row)
        elif row.state == UploadState.UPLOADING:
            self._take_over(row, target)
        elif row.target in refusing or row.state != UploadState.PENDING or not self._begins_new:
            return
        elif target is None:
            self._settling.fail(row, _UNKNOWN_TARGET)
        elif room.is_for(target):
            path = row.remote_path or target.path(row)
            self._beginning[row.id] = _Beginning(target, path, is_first=row.started_at is None)
            room.take(target, row.total_bytes or 0)

    def _take_over(self, row: AnyRow, target: Target | None) -> None:
        """Bring an upload on that a worker had begun which was killed."""
        lost = target.lost_answer if target is not None else None
        self._settling.settle(row, Stopped() if lost is None else Refused(lost))

    def _submit(self, upload_ids: Sequence[int]) -> None:
        """Give the threads what is written to begin."""
        if not upload_ids:
            return
        with self._ledger.read() as connection:
            found = uploads.get_uploads(connection, upload_ids)
        # A user may have cancelled one since.
        rows = [row for row in found if row.state == UploadState.UPLOADING]
        for alike in self._batches(rows):
            target = self._beginning[alike[0].id].target
            batch = [
                (row, Transfer(self._slots, is_first=self._beginning[row.id].is_first))
                for row in alike
            ]
            future = self._pool.submit(self._send, target, batch)
            self._batch_sizes[future] = len(batch)
            for row, transfer in batch:
                self._under_way[row.id] = _UnderWay(row, transfer, future)

    def _batches(self, rows: Sequence[AnyRow]) -> Iterator[Sequence[AnyRow]]:
        """Divide uploads into those that are sent together; all slots get some."""
        together: defaultdict[str, list[AnyRow]] = defaultdict(list)
        for row in rows:
            beginning = self._beginning[row.id]
            if beginning.is_first and beginning.target.sends_together(row):
                together[row.target].append(row)
            else:
                yield [row]
        for alike in together.values():
            size = min(_TOGETHER, math.ceil(len(alike) / self._settings.upload_concurrency))
            yield from (alike[at : at + size] for at in range(0, len(alike), size))

    def _send(self, target: Target, batch: Batch) -> Mapping[int, UploadOutcome]:
        try:
            outcomes = self._with_one_refusal(send_batch(target, batch))
            for refusal in refusals_of_target(outcomes).values():
                self._hold_back(batch[0][0].target, refusal.reason)
        finally:
            for _, transfer in batch:
                transfer.end()
        return outcomes

    def _with_one_refusal(
        self, outcomes: Mapping[int, UploadOutcome]
    ) -> Mapping[int, UploadOutcome]:
        """Let one upload say that the target takes nothing; the others of its batch wait for it."""
        refusals = refusals_of_target(outcomes)
        others = list(refusals)[1:]
        return {**outcomes, **{each: self._held(refusals[each].reason) for each in others}}

    def _held(self, reason: Reason) -> Postponed:
        seconds = self._settings.retry_backoff_max_seconds
        return Postponed(reason, after_seconds=seconds, is_attempt=False)

    def _hold_back(self, target: str, reason: Reason) -> None:
        """Put off what waits for a slot: it would fail too."""
        held = self._held(reason)
        for each in list(self._under_way.values()):
            if each.row.target == target:
                each.transfer.hold_back(held)

    def _settle(self) -> _Settled:
        """Take what has ended, to be written."""
        settled = _Settled()
        for upload_id in [key for key, each in self._under_way.items() if each.future.done()]:
            each = self._under_way.pop(upload_id)
            self._batch_sizes.pop(each.future, None)
            outcome = (
                each.transfer.stopped_with
                if each.future.cancelled()
                else each.future.result()[upload_id]
            )
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

    def _write_progress(self) -> None:
        if time.monotonic() - self._progress_at < PROGRESS_SECONDS:
            return
        self._progress_at = time.monotonic()
        for upload_id, each in self._under_way.items():
            transfer = each.transfer
            if each.written_bytes != transfer.uploaded_bytes:
                each.written_bytes = transfer.uploaded_bytes
                self._settling.progress(
                    upload_id, transfer.uploaded_bytes, transfer.bytes_per_second
                )
