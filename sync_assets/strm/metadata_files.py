"""Make the metadata files of a job's output agree with a listing: fetch what is missing or differs.

A file that is not in the manifest, or does not hold any more what was written into it, is its
user's own and is never touched. Deleting is not done here: see `orphans`.
"""

import itertools
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from sync_assets.errors import SyncError
from sync_assets.ledger.leases import Lease
from sync_assets.settings.strm_metadata import MetadataPolicy, MetadataSettings
from sync_assets.strm.copying import Copier
from sync_assets.strm.explaining import explained
from sync_assets.strm.metadata_manifest import MetadataFile, MetadataManifest, microseconds
from sync_assets.strm.models import Change, Entry, ItemFailure, ListedDirectory, Outcome, join
from sync_assets.strm.naming import MAXIMUM_NAME_BYTES
from sync_assets.strm.output import NewFile, Output, OutputDirectory
from sync_assets.strm.sources import FileUnavailableError, SourceUnavailableError

_FILES_PER_BATCH = 1_000
_LATEST_TIME = 253_402_300_800  # the year 10000, behind which no file was changed


@dataclass(slots=True)
class MetadataSummary:
    """The numbers of one pass over metadata files.

    Attributes:
        copied: New files.
        updated: Files that were replaced by what the source has now.
        unchanged: Files left exactly as they are.
        foreign: Files that somebody else wrote or edited, left alone.
        too_large: Files of the source that are larger than the limit.
        postponed: Files that were not fetched, because the source went away.
        bytes: The size of all that was fetched.
        failures: Items that did not work.
    """

    copied: int = 0
    updated: int = 0
    unchanged: int = 0
    foreign: int = 0
    too_large: int = 0
    postponed: int = 0
    bytes: int = 0
    failures: list[ItemFailure] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many files the pass was about."""
        settled = self.copied + self.updated + self.unchanged + self.foreign
        return settled + self.postponed + len(self.failures)


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One file that is to be fetched.

    Attributes:
        directory: Its directory.
        remote: What the listing says of it.
        replaced_digest: Of what is in its place now; empty for nothing.
    """

    directory: str
    remote: Entry
    replaced_digest: str = ""

    @property
    def path(self) -> str:
        """Its path, in the source and in the output."""
        return join(self.directory, self.remote.name)

    def written(self, digest: str) -> MetadataFile:
        """Return what is remembered of it once it is in its place."""
        return MetadataFile(
            self.directory,
            self.remote.name,
            digest,
            self.replaced_digest,
            self.remote.size,
            microseconds(self.remote.modified_at),
        )


class MetadataFilter:
    """Which files of a listing are metadata of a job.

    Args:
        settings: The job's settings of metadata.
    """

    def __init__(self, settings: MetadataSettings) -> None:
        self._maximum_size = settings.maximum_size_bytes
        self._matches = re.compile(
            rf"\.(?:{'|'.join(sorted(settings.extensions))})\Z", re.IGNORECASE
        ).search

    def wanted(self, files: Iterable[Entry]) -> tuple[list[Entry], int]:
        """Return the files that are metadata, and how many more there are that are too large."""
        found = [file for file in files if self._matches(file.name)]
        wanted = [file for file in found if (file.size or 0) <= self._maximum_size]
        return wanted, len(found) - len(wanted)


class MetadataWriter:
    """Writes the metadata files of one job.

    Args:
        settings: The job's settings of metadata.
        output: The job's output, open.
        manifest: What is remembered of its metadata files.
        lease: What keeps other runs away.
        copier: Brings the files.
        skip_existing: Leave every file that is there as it is, unless it is empty.
        record: Called with every change and failure.
        progress: Called after every batch.
    """

    def __init__(  # noqa: PLR0913 - the optional ones are named
        self,
        settings: MetadataSettings,
        output: Output,
        manifest: MetadataManifest,
        lease: Lease,
        copier: Copier,
        *,
        skip_existing: bool = False,
        record: Callable[[Change], None],
        progress: Callable[[MetadataSummary], None] = lambda _: None,
    ) -> None:
        self._filter = MetadataFilter(settings)
        self._connections = settings.connections
        self._skips = skip_existing or settings.policy is MetadataPolicy.SKIP_IF_PRESENT
        self._output = output
        self._manifest = manifest
        self._lease = lease
        self._copier = copier
        self._record = record
        self._progress = progress
        self._numbers = itertools.count()
        self._without_file: set[str] = set()
        self._source_error: SourceUnavailableError | None = None
        self.summary = MetadataSummary()

    def write(self, listing: Iterable[ListedDirectory]) -> MetadataSummary:
        """Fetch what a listing asks for.

        Args:
            listing: The directories of the source. One that is not complete still has its known
                files fetched.

        Returns:
            What was done. A source that went away is one failure; what it still had is postponed.

        Raises:
            OutputUnavailableError: The disk is full or read-only; what was written stays.
            LeaseLostError: Another run may have begun.
        """
        pool = ThreadPoolExecutor(self._connections, thread_name_prefix="metadata")
        pending: dict[Future[NewFile], _Fetch] = {}
        try:
            for batch in self._batches(listing):
                # Planned as a whole before anything is fetched: looking into a directory removes
                # what an interrupted run has left there half-written.
                for fetch in list(self._plan(batch)):
                    if self._source_error is not None:
                        self.summary.postponed += 1
                        continue
                    pending[pool.submit(self._fetch, fetch, next(self._numbers))] = fetch
                    if len(pending) >= 2 * self._connections:
                        self._settle(pending)
                while pending:
                    self._settle(pending)
                self._prune()
                self._progress(self.summary)
        finally:
            self._copier.stop()
            pool.shutdown(cancel_futures=True)
            for future in pending:
                if not future.cancelled() and future.exception() is None:
                    future.result().discard()
        if self._source_error is not None:
            error = self._source_error
            self.summary.failures.append(ItemFailure("/", error.message, error.remedy))
        return self.summary

    def _batches(
        self, listing: Iterable[ListedDirectory]
    ) -> Iterator[list[tuple[str, list[Entry]]]]:
        batch: list[tuple[str, list[Entry]]] = []
        files = 0
        for listed in listing:
            wanted, too_large = self._filter.wanted(listed.files)
            self.summary.too_large += too_large
            if not wanted:
                continue
            batch.append((listed.path, wanted))
            files += len(wanted)
            if files >= _FILES_PER_BATCH:
                yield batch
                batch, files = [], 0
        if batch:
            yield batch

    def _plan(self, batch: list[tuple[str, list[Entry]]]) -> Iterator[_Fetch]:
        remembered = self._manifest.remembered([path for path, _ in batch])
        for path, wanted in batch:
            try:
                with self._output.directory(path, create=False) as directory:
                    existing = directory.names() if directory is not None else set()
                    known = remembered.get(path, {})
                    yield from self._plan_directory(path, wanted, directory, existing, known)
            except OSError as error:
                self._output.raise_if_unavailable(error)
                for remote in wanted:
                    self._fail(join(path, remote.name), error)

    def _plan_directory(
        self,
        path: str,
        wanted: list[Entry],
        directory: OutputDirectory | None,
        existing: set[str],
        known: Mapping[str, MetadataFile],
    ) -> Iterator[_Fetch]:
        for remote in wanted:
            if len(remote.name.encode()) > MAXIMUM_NAME_BYTES:
                self._fail(join(path, remote.name), _too_long(remote.name))
            elif directory is None or remote.name not in existing:
                yield _Fetch(path, remote)
            elif remote.size != 0 and directory.size(remote.name) == 0:
                # Nothing is lost with it: a crash of the machine leaves such files.
                yield _Fetch(path, remote, directory.digest(remote.name) or "")
            else:
                fetch = self._compare(path, remote, directory, known.get(remote.name))
                if fetch is not None:
                    yield fetch

    def _compare(
        self, path: str, remote: Entry, directory: OutputDirectory, known: MetadataFile | None
    ) -> _Fetch | None:
        """Return what replaces a file that is there; None where it stays."""
        if known is None:
            self.summary.foreign += 1
            self._report(join(path, remote.name), Outcome.FOREIGN)
            return None
        if self._skips or known.is_copy_of(remote):
            self.summary.unchanged += 1
            return None
        digest = directory.digest(remote.name)
        if digest is not None and known.may_hold(digest):
            return _Fetch(path, remote, digest)
        self.summary.foreign += 1
        self._report(join(path, remote.name), Outcome.FOREIGN)
        return None

    def _fetch(self, fetch: _Fetch, number: int) -> NewFile:
        """Bring a file; called in a thread of the pool."""
        with self._output.directory(fetch.directory, create=True) as directory:
            if directory is None:
                raise FileNotFoundError(2, "its folder cannot be made", fetch.directory)
            file = directory.new_file(number)
        try:
            self._copier.bring(fetch.path, fetch.remote, file)
        except BaseException:
            file.discard()
            raise
        return file

    def _settle(self, pending: dict[Future[NewFile], _Fetch]) -> None:
        """Wait for some of the files, and put those that came in their places."""
        done, _ = wait(pending, return_when=FIRST_COMPLETED)
        arrived: deque[tuple[_Fetch, NewFile]] = deque()
        try:
            for future in done:
                fetch = pending.pop(future)
                try:
                    arrived.append((fetch, future.result()))
                except SourceUnavailableError as error:
                    self._source_error = self._source_error or error
                    self.summary.postponed += 1
                    self._without_file.add(fetch.directory)
                except (FileUnavailableError, OSError) as error:
                    if isinstance(error, OSError):
                        self._output.raise_if_unavailable(error)
                    self._fail(fetch.path, error)
                    self._without_file.add(fetch.directory)
            self._place(arrived)
        finally:
            for _, file in arrived:
                file.discard()

    def _prune(self) -> None:
        """Remove the folders that were made for files that did not come."""
        for path in self._without_file:
            self._output.prune(path)
        self._without_file.clear()

    def _leave_foreign(self, arrived: deque[tuple[_Fetch, NewFile]]) -> None:
        """Drop the files in whose places somebody has put others meanwhile."""
        for _ in range(len(arrived)):
            fetch, file = arrived.popleft()
            if _is_still(file.directory, fetch):
                arrived.append((fetch, file))
            else:
                file.discard()
                self.summary.foreign += 1
                self._report(fetch.path, Outcome.FOREIGN)

    def _place(self, arrived: deque[tuple[_Fetch, NewFile]]) -> None:
        self._leave_foreign(arrived)
        if not arrived:
            return
        self._lease.require()
        self._manifest.enter([fetch.written(file.digest) for fetch, file in arrived])
        placed = []
        while arrived:
            fetch, file = arrived.popleft()
            try:
                file.place(fetch.remote.name, modified_at=_known_time(fetch.remote.modified_at))
            except OSError as error:
                self._output.raise_if_unavailable(error)
                self._fail(fetch.path, error)
                continue
            placed.append(replace(fetch.written(file.digest), replaced_digest=""))
            self.summary.bytes += file.size
            if fetch.replaced_digest:
                self.summary.updated += 1
                self._report(fetch.path, Outcome.UPDATED)
            else:
                self.summary.copied += 1
                self._report(fetch.path, Outcome.CREATED)
        self._manifest.settle(placed)

    def _report(self, path: str, outcome: Outcome) -> None:
        self._record(Change(path, path, outcome))

    def _fail(self, path: str, error: SyncError | OSError) -> None:
        message, remedy = explained(error)
        self.summary.failures.append(ItemFailure(path, message, remedy))
        self._record(Change(path, path, Outcome.FAILED, message))


def _is_still(directory: OutputDirectory, fetch: _Fetch) -> bool:
    """Tell whether a file's place holds what it held before the file was fetched."""
    if not fetch.replaced_digest:
        return not directory.holds(fetch.remote.name)
    return directory.digest(fetch.remote.name) == fetch.replaced_digest


def _known_time(modified_at: float | None) -> float | None:
    """Return a time that a file can have; None for one that only means that nobody knows."""
    return modified_at if modified_at is not None and 0 < modified_at < _LATEST_TIME else None


def _too_long(name: str) -> FileUnavailableError:
    return FileUnavailableError(
        f"its name has {len(name.encode())} bytes, more than a file system takes",
        remedy="Shorten the file's name in the source.",
    )
