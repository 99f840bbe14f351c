"""Scan a job's source: store the listing, remember how far the scan came, refuse an empty source.

What is done with each directory meanwhile is the caller's.
"""

import logging
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime

from sync_assets.errors import ItemFailure
from sync_assets.progress import Progress
from sync_assets.strm.events.touched import forget_touched
from sync_assets.strm.job_run import JobRun, StageResult
from sync_assets.strm.listing import listing_table
from sync_assets.strm.listing.checkpoint import ScanCheckpoint
from sync_assets.strm.listing.listing_table import ListingWriter
from sync_assets.strm.listing.scan import scan
from sync_assets.strm.listing.stored_listing import listed_at
from sync_assets.strm.models import ListedDirectory, ListingStatus, ListingSummary, join
from sync_assets.strm.sources import Source, SourceUnavailableError, open_source

_logger = logging.getLogger(__name__)


class SourceScan:
    """A scan of a job's source. Iterating over it lists the source, once, and stores the listing.

    Args:
        job: The job.
        source: Its source, open.
        checkpoint: What an interrupted scan has listed; None where that is not remembered.
        directories: What the source lists.
        listing: Stores it.
    """

    def __init__(
        self,
        job: JobRun,
        source: Source,
        checkpoint: ScanCheckpoint | None,
        directories: Iterable[ListedDirectory],
        listing: ListingWriter,
    ) -> None:
        self._job = job
        self._source = source
        self._checkpoint = checkpoint
        self._directories = directories
        self._listing = listing
        self.summary = ListingSummary()

    @property
    def scanned_at(self) -> datetime:
        """When the scan began, UTC."""
        return self._listing.scanned_at

    @property
    def link_root(self) -> str | None:
        """The path of the source's root in links, where only its server knows it."""
        return self._source.link_root

    def __iter__(self) -> Iterator[ListedDirectory]:
        """List the source: every directory, parents before their children.

        Raises:
            SourceUnavailableError: The source went away; or, at the end, it is empty although the
                job has files.
        """
        progress = Progress(_logger, "files listed")
        entries = 0
        root_error: str | None = None
        for directory in self._directories:
            if not directory.path and directory.status is ListingStatus.FAILED:
                root_error = directory.error
            _count(directory, self.summary)
            entries += len(directory.files) + len(directory.unreadable) + (directory.path != "")
            self._listing.add(directory)
            progress.update(self.summary.files)
            yield directory
        if self._checkpoint is not None:
            self._checkpoint.remove()
        if entries == 0:
            self._refuse_empty(root_error)
        self._listing.flush()

    def result(self) -> StageResult:
        """Return what the scan found; directories that could not be listed are its failures."""
        summary = self.summary
        return StageResult(
            {
                "listed": summary.files,
                "directories": summary.directories,
                "bytes": summary.bytes,
                "truncated": len(summary.truncated),
                "resumed": self._checkpoint.resumed if self._checkpoint is not None else 0,
                "requests": self._source.requests,
            },
            summary.failures,
            {
                "source": self._job.settings.source.location,
                "listing": str(self._job.lake.path(listing_table.ASSET, partition=self._job.name)),
            },
            files=summary.files,
        )

    def _refuse_empty(self, root_error: str | None) -> None:
        if root_error is not None:
            raise SourceUnavailableError(
                f"The source cannot be listed: {root_error}.",
                remedy="Mend it, then run the job again; nothing was changed.",
            )
        if owned := self._job.manifest.count():
            raise SourceUnavailableError(
                f"The source is empty, although {owned} of its files are in the library. A drive "
                "that is not mounted looks like this.",
                remedy="Mount the drive. If everything was really removed, delete the library's "
                "files by hand.",
            )


@contextmanager
def scan_source(job: JobRun) -> Generator[SourceScan]:
    """Scan a job's source.

    Args:
        job: The job.

    Yields:
        The scan. Its listing replaces the last one at the end of the block, unless that ends
        with an error.

    Raises:
        SourceUnavailableError: The source is not there.
        DriveUnmountedError: Its drive was reported as unmounted.
    """
    job.require_mounted()
    settings = job.settings
    with (
        _checkpoint(job) as checkpoint,
        open_source(settings.source, job.ledger) as source,
    ):
        scanned_at = checkpoint.scanned_at if checkpoint is not None else datetime.now(UTC)
        directories = scan(
            source,
            exclude=settings.exclude,
            maximum_depth=settings.maximum_depth,
            checkpoint=checkpoint,
        )
        with job.lake.replacing(
            listing_table.ASSET, listing_table.schema(), partition=job.name
        ) as partition:
            listing = ListingWriter(partition, scanned_at, source.link_root)
            yield SourceScan(job, source, checkpoint, directories, listing)
    forget_touched(job.ledger, job.name, before=scanned_at.timestamp())


def _checkpoint(job: JobRun) -> AbstractContextManager[ScanCheckpoint | None]:
    if job.checkpoints is None:
        return nullcontext()
    has_listing = job.lake.exists(listing_table.ASSET, partition=job.name)
    return ScanCheckpoint(
        job.checkpoints / f"{job.name}.jsonl",
        job.settings,
        not_before=listed_at(job) if has_listing else None,
    )


def _count(directory: ListedDirectory, summary: ListingSummary) -> None:
    path = directory.path or "/"
    if directory.status in (ListingStatus.COMPLETE, ListingStatus.UNPROVEN):
        summary.directories += 1
    elif directory.status is ListingStatus.TRUNCATED:
        summary.truncated.append(path)
        _logger.warning("%s is not listed: %s", path, directory.error)
    else:
        remedy = "Its files in the library are kept. Give this user access to it."
        summary.failures.append(ItemFailure(path, directory.error or "", remedy))
        _logger.warning("%s cannot be listed whole: %s", path, directory.error)
    for entry in directory.unreadable:
        summary.failures.append(
            ItemFailure(
                join(directory.path, entry.name),
                entry.error or "",
                "Rename or repair it; what it had in the library is kept.",
            )
        )
    summary.files += len(directory.files)
    summary.bytes += sum(file.size or 0 for file in directory.files)
