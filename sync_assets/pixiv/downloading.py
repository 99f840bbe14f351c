"""The download pass: get the files of the works that are wanted, and settle what came of it."""

import errno
import logging
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from sync_assets.errors import ItemFailure, SyncError
from sync_assets.ledger import Ledger
from sync_assets.pixiv.account import Account
from sync_assets.pixiv.accounts import record_refusal
from sync_assets.pixiv.events import EventStream, frames_of
from sync_assets.pixiv.files import Checked, StoredFile, read_files
from sync_assets.pixiv.gallery_dl import Finished, new_run_directory, remove_run, run_gallery_dl
from sync_assets.pixiv.gallery_dl_config import bookmarks_url, download_config, work_url
from sync_assets.pixiv.listing import PAGE_SIZE, drop_access_token, may_repeat
from sync_assets.pixiv.models import (
    FileFact,
    FileKind,
    FileState,
    StageResult,
    Visibility,
    WorkState,
)
from sync_assets.pixiv.outcome import OutcomeKind, explain, outcome_of
from sync_assets.pixiv.planning import cheaper_by_list
from sync_assets.pixiv.presence import require_library
from sync_assets.pixiv.settling import Settler
from sync_assets.pixiv.works import Work, complete, due_works, fail_attempt, read_works, update_work

SETTLE_SECONDS = 0.4
"""How often files are verified while gallery-dl goes on downloading."""

_WORKS_PER_RUN = 500
_GOES_ON = frozenset({OutcomeKind.COMPLETE, OutcomeKind.PARTIAL, OutcomeKind.NOT_FOUND})

_logger = logging.getLogger(__name__)


class _SpaceRunsOutError(Exception):
    """The disk is as full as it may become while gallery-dl still downloads."""


@dataclass(frozen=True)
class _Trip:
    """One run of gallery-dl: its addresses, and the works to be had there."""

    urls: Sequence[str]
    work_ids: frozenset[int]
    maximum: int = 0
    asks_for_each: bool = False


@dataclass
class _Seen:
    """What a run said of works."""

    visited: set[int] = field(default_factory=set)
    last: int | None = None
    concluded: set[int] = field(default_factory=set)
    page_counts: dict[int, int] = field(default_factory=dict)
    present: dict[int, set[int]] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)

    def take(self, facts: Iterable[FileFact]) -> list[FileFact]:
        """Note which files were there, and return them."""
        taken = list(facts)
        for fact in taken:
            self.present.setdefault(fact.work_id, set()).add(fact.page)
        return taken

    def shortfall(self, work_id: int) -> str | None:
        """Say what of a work the run did not get to, or could not get; None where all is there.

        Old versions of a work's pages hide in the ledger that new ones are missing.
        """
        if work_id in self.errors:
            return self.errors[work_id]
        count = self.page_counts.get(work_id, 0)
        missing = count - len(self.present.get(work_id, ()))
        return f"{missing} of {count} files were not reached" if missing > 0 else None

    def left_behind(self) -> set[int]:
        """Return the works that gallery-dl has gone on from, and that are not concluded."""
        return self.visited - self.concluded - {self.last}


class Downloads:
    """One download pass of an account; the caller holds its lease.

    Args:
        account: The account.
        ledger: The ledger.
        run_id: The Dagster run.
    """

    def __init__(self, account: Account, ledger: Ledger, *, run_id: str | None) -> None:
        self._account = account
        self._ledger = ledger
        self._run_id = run_id
        self._settler = Settler(account, ledger, run_id=run_id)
        self._result = self._settler.result
        self._result.numbers |= {"completed": 0, "retries": 0}

    def run(self, read_orders: Callable[[], Mapping[Visibility, Sequence[int]]]) -> StageResult:
        """Download what is wanted and due.

        Args:
            read_orders: Gives the lists, newest bookmark first, as the last list pass saw them;
                called only where there is something to download.

        Returns:
            What was done, with the works that failed.

        Raises:
            PixivUnavailableError: Pixiv could not be asked. What came before it is settled.
            SyncError: gallery-dl cannot be run, or there is nowhere to write.
        """
        with self._ledger.read() as connection:
            due = due_works(connection, self._account.name)
        if not due:
            return self._result
        self._require_directory()
        if not self._has_space():
            self._warn_of_space()
            return self._result
        try:
            for trip in _trips(self._account, due, read_orders()):
                if not self._travel(trip):
                    break
        except _SpaceRunsOutError:
            self.recover()
            self._warn_of_space()
        return self._result

    def recover(self) -> None:
        """Settle what rounds left behind that did not live to do so themselves."""
        for directory in sorted(self._account.runs_directory.glob("*")):
            stream = EventStream(directory)
            seen = self._read_posts(stream, _Seen())
            facts = seen.take(stream.files())
            self._settler.settle(facts)
            self._conclude(seen, {fact.work_id for fact in facts})
            remove_run(directory)

    def _require_directory(self) -> None:
        directory = self._account.download_directory
        with self._ledger.read() as connection:
            require_library(connection, self._account)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if not os.access(directory, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise SyncError(
                f"The download directory {directory} cannot be used: {error.strerror}.",
                remedy="Make it writable for this user, or correct pixiv.download_directory.",
            ) from error

    def _has_space(self) -> bool:
        free = shutil.disk_usage(self._account.download_directory).free
        return free >= self._account.pixiv.disk_free_threshold_bytes

    def _warn_of_space(self) -> None:
        warning = (
            f"Less is free in {self._account.download_directory} than "
            f"pixiv.disk_free_threshold_bytes "
            f"({self._account.pixiv.disk_free_threshold_bytes:,}): downloading was stopped."
        )
        _logger.warning("%s", warning)
        self._result.warnings.append(warning)

    def _travel(self, trip: _Trip) -> bool:
        """Run gallery-dl, again where that may help; tell whether the round can go on."""
        pause = self._account.pixiv.backoff_initial_seconds
        attempt = 0
        stale_token_dropped = False
        while True:
            kind, finished = self._run_once(trip)
            if kind in _GOES_ON:
                return True
            if kind is OutcomeKind.TIMED_OUT:
                error = explain(self._account.name, kind, finished)
                self._result.warnings.append(error.message)
                return False
            if kind is OutcomeKind.STALE_TOKEN and not stale_token_dropped:
                stale_token_dropped = True
                drop_access_token(self._account)
                continue
            if kind is OutcomeKind.RATE_LIMITED:
                with self._ledger.write() as connection:
                    record_refusal(connection, self._account.name, self._account.settings.user_id)
            if not may_repeat(self._account, kind, attempt, pause):
                raise explain(self._account.name, kind, finished)
            time.sleep(pause)
            pause = min(
                pause * self._account.pixiv.backoff_multiplier,
                self._account.pixiv.backoff_max_seconds,
            )
            attempt += 1
            self._result.count("retries")

    def _run_once(self, trip: _Trip) -> tuple[OutcomeKind, Finished]:
        directory = new_run_directory(self._account)
        stream = EventStream(directory)
        seen = _Seen()
        settled_at = time.monotonic()

        def on_progress() -> None:
            nonlocal settled_at
            if time.monotonic() - settled_at >= SETTLE_SECONDS:
                # Posts first: what gallery-dl has gone on from has written all its files' lines.
                self._read_posts(stream, seen)
                self._settler.settle(seen.take(stream.files()))
                self._conclude(seen, seen.left_behind())
                if not self._has_space():
                    raise _SpaceRunsOutError
                settled_at = time.monotonic()

        config = download_config(
            self._account, directory, work_ids=trip.work_ids, maximum=trip.maximum
        )
        finished = run_gallery_dl(
            self._account, directory, config, trip.urls, on_progress=on_progress
        )
        kind = outcome_of(finished)
        self._settler.settle(seen.take(stream.files()))
        self._read_posts(stream, seen)
        # Where gallery-dl came to the end, a work that it did not meet cannot be had this way.
        attempted = trip.work_ids if kind in _came_to_its_end(trip) else seen.visited
        self._conclude(seen, set(attempted) - seen.concluded)
        remove_run(directory)
        return kind, finished

    def _read_posts(self, stream: EventStream, seen: _Seen) -> _Seen:
        frames = {}
        for line in stream.read("post"):
            work_id = int(line["id"])
            seen.visited.add(work_id)
            seen.last = work_id
            seen.page_counts[work_id] = int(line.get("count") or 0)
            if (found := frames_of(line)) is not None:
                frames[work_id] = found
        for line in stream.read("error"):
            work_id, page = int(line["id"]), int(line["num"])
            seen.errors[work_id] = f"page {page} could not be downloaded"
        if not frames:
            return seen
        with self._ledger.write() as connection:
            for work in read_works(connection, self._account.name, work_ids=frames).values():
                if work.frames != frames[work.work_id]:
                    update_work(connection, work, frames=frames[work.work_id])
        return seen

    def _conclude(self, seen: _Seen, attempted: Collection[int]) -> None:
        """Complete the works whose files are all there; note the others' attempt."""
        if not attempted:
            return
        seen.concluded.update(attempted)
        completed = []
        with self._ledger.write() as connection:
            works = read_works(connection, self._account.name, work_ids=attempted)
            files: dict[int, list[StoredFile]] = {}
            for each in read_files(connection, self._account.name, work_ids=attempted):
                files.setdefault(each.work_id, []).append(each)
            for work in works.values():
                if work.state not in (WorkState.WANTED, WorkState.FAILED):
                    continue
                own = files.get(work.work_id, [])
                pages = max(
                    seen.page_counts.get(work.work_id, 0), 1 if work.is_ugoira else work.page_count
                )
                reason = incomplete_reason(work, own, pages) or seen.shortfall(work.work_id)
                if reason is None:
                    newest = max((each.version for each in own), default="")
                    completed.append((work, newest))
                elif work.state is WorkState.WANTED and work.work_id in attempted:
                    self._fail(connection, work, seen.errors.get(work.work_id, reason))
            complete(connection, completed, run_id=self._run_id)
        self._result.count("completed", len(completed))

    def _fail(self, connection: Connection, work: Work, reason: str) -> None:
        state = fail_attempt(
            connection,
            work,
            reason,
            maximum_attempts=self._account.pixiv.maximum_attempts,
            run_id=self._run_id,
        )
        remedy = (
            "It is tried again by the next round."
            if state is WorkState.WANTED
            else "It is tried again by the next full pass."
        )
        self._result.failures.append(ItemFailure(f"work {work.work_id}", reason, remedy))


def incomplete_reason(work: Work, files: Iterable[Checked], pages: int) -> str | None:
    """Say what a work lacks; None where it is complete.

    Args:
        work: The work.
        files: Its files.
        pages: How many pages it has.
    """
    present = [
        each
        for each in files
        if each.state in (FileState.VERIFIED, FileState.ARCHIVED)
        and each.kind is not FileKind.ANIMATION
    ]
    missing = sorted(set(range(max(pages, 1))) - {each.page for each in present})
    if missing:
        listed = ", ".join(map(str, missing[:10]))
        return f"{len(missing)} of {max(pages, 1)} files are missing: page {listed}"
    if work.version and max(each.version for each in present) < work.version:
        return "its new version is missing"
    return None


def _trips(
    account: Account, due: Mapping[int, Work], orders: Mapping[Visibility, Sequence[int]]
) -> Iterable[_Trip]:
    """Divide the works by how they are had with the fewest requests."""
    # What was not had from the list once is asked for by its own address.
    untried = {work_id for work_id, work in due.items() if work.attempts == 0}
    rest = set(due)
    for visibility in account.lists:
        order = orders.get(visibility, ())
        depth = cheaper_by_list(untried, order, page_size=PAGE_SIZE)
        if depth is None:
            continue
        work_ids = untried.intersection(order)
        rest -= work_ids
        whole = depth >= len(order)
        url = bookmarks_url(account.settings.user_id, visibility)
        yield _Trip([url], frozenset(work_ids), maximum=0 if whole else depth)
    ids = sorted(rest, reverse=True)
    for start in range(0, len(ids), _WORKS_PER_RUN):
        some = ids[start : start + _WORKS_PER_RUN]
        yield _Trip([work_url(each) for each in some], frozenset(some), asks_for_each=True)


def _came_to_its_end(trip: _Trip) -> Collection[OutcomeKind]:
    if trip.asks_for_each:
        return _GOES_ON
    return (OutcomeKind.COMPLETE,)
