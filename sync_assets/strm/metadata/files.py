"""Make the metadata files of a job's output agree with a listing: fetch what is missing or differs.

What that is, `metadata.planning` says. Deleting is not done here: see `deleting`.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace

from sync_assets.errors import ItemFailure
from sync_assets.ledger.leases import Lease
from sync_assets.settings.strm import StrmJobSettings
from sync_assets.strm.metadata.copying import Copier
from sync_assets.strm.metadata.manifest import MetadataManifest
from sync_assets.strm.metadata.planning import Fetch, MetadataPlanner
from sync_assets.strm.metadata.summary import MetadataReport, MetadataSummary
from sync_assets.strm.models import Change, ListedDirectory, Outcome
from sync_assets.strm.output.directory import OutputDirectory
from sync_assets.strm.output.folding import Places
from sync_assets.strm.output.new_file import NewFile, begin_file
from sync_assets.strm.output.root import Output
from sync_assets.strm.sources import FileUnavailableError, SourceUnavailableError

_LATEST_TIME = 253_402_300_800  # the year 10000, behind which no file was changed


class MetadataWriter:
    """Writes the metadata files of one job.

    Args:
        job: The job's settings.
        output: The job's output, open.
        manifest: What is remembered of its metadata files.
        lease: What keeps other runs away.
        copier: Brings the files.
        places: Which of their names the output takes for one.
        skip_existing: Leave every file that is there as it is, unless it is empty.
        record: Called with every change and failure.
        progress: Called after every batch.
    """

    def __init__(  # noqa: PLR0913 - the optional ones are named
        self,
        job: StrmJobSettings,
        output: Output,
        manifest: MetadataManifest,
        lease: Lease,
        copier: Copier,
        *,
        places: Places,
        skip_existing: bool = False,
        record: Callable[[Change], None],
        progress: Callable[[MetadataSummary], None] = lambda _: None,
    ) -> None:
        self._report = MetadataReport(record)
        self._planner = MetadataPlanner(
            job,
            output,
            manifest,
            lease,
            places=places,
            report=self._report,
            skip_existing=skip_existing,
        )
        self._connections = job.metadata.connections
        self._output = output
        self._manifest = manifest
        self._lease = lease
        self._copier = copier
        self._progress = progress
        self._numbers = itertools.count()
        self._without_file: set[str] = set()
        self._source_error: SourceUnavailableError | None = None
        self.summary = self._report.summary

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
        pending: dict[Future[NewFile], Fetch] = {}
        try:
            for batch in self._planner.batches(listing):
                for fetch in self._planner.plan(batch):
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

    def _fetch(self, fetch: Fetch, number: int) -> NewFile:
        """Bring a file; called in a thread of the pool."""
        with self._output.directory(fetch.directory, create=True) as directory:
            if directory is None:
                raise FileNotFoundError(2, "its folder cannot be made", fetch.directory)
            file = begin_file(directory, number)
        try:
            self._copier.bring(fetch.path, fetch.remote, file)
        except BaseException:
            file.discard()
            raise
        return file

    def _settle(self, pending: dict[Future[NewFile], Fetch]) -> None:
        """Wait for some of the files, and put those that came in their places."""
        done, _ = wait(pending, return_when=FIRST_COMPLETED)
        arrived: deque[tuple[Fetch, NewFile]] = deque()
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
                    self._report.fail(fetch.path, error)
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

    def _leave_foreign(self, arrived: deque[tuple[Fetch, NewFile]]) -> None:
        """Drop the files in whose places somebody has put others meanwhile."""
        for _ in range(len(arrived)):
            fetch, file = arrived.popleft()
            if _is_still(file.directory, fetch):
                arrived.append((fetch, file))
            else:
                file.discard()
                self._report.foreign(fetch.path)

    def _place(self, arrived: deque[tuple[Fetch, NewFile]]) -> None:
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
                self._report.fail(fetch.path, error)
                continue
            placed.append(replace(fetch.written(file.digest), replaced_digest=""))
            self.summary.bytes += file.size
            if fetch.replaced_digest:
                self.summary.updated += 1
                self._report.change(fetch.path, Outcome.UPDATED)
            else:
                self.summary.copied += 1
                self._report.change(fetch.path, Outcome.CREATED)
        self._manifest.settle(placed)


def _is_still(directory: OutputDirectory, fetch: Fetch) -> bool:
    """Tell whether a file's place holds what it held before the file was fetched."""
    if not fetch.replaced_digest:
        return not directory.holds(fetch.remote.name)
    return directory.digest(fetch.remote.name) == fetch.replaced_digest


def _known_time(modified_at: float | None) -> float | None:
    """Return a time that a file can have; None for one that only means that nobody knows."""
    return modified_at if modified_at is not None and 0 < modified_at < _LATEST_TIME else None
