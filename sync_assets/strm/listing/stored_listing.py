"""Read the last listing of a job, which a scan has stored in the lake."""

from collections.abc import Iterator
from datetime import datetime

from sync_assets.strm.events.touched import without_touched
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.listing import listing_table
from sync_assets.strm.models import ListedDirectory


def stored_listing(job: JobRun, *, with_times: bool = False) -> Iterator[ListedDirectory]:
    """Return the last listing of a job, without what events have shown to be out of date.

    Args:
        job: The job.
        with_times: Whether the times of files are wanted, which most readers are not interested in.

    Returns:
        The directories in the order of the scan.

    Raises:
        SyncError: There is none.
    """
    stored = job.lake.batches(listing_table.ASSET, partition=job.name).schema.names
    listing = listing_table.from_batches(
        job.lake.batches(
            listing_table.ASSET,
            partition=job.name,
            columns=listing_table.columns_for_reading(stored, with_times=with_times),
        )
    )
    return without_touched(job.ledger, job.name, listing, listed_at=listed_at(job).timestamp())


def link_root(job: JobRun) -> str | None:
    """Return the path of the source's root in links, where the last scan learned it.

    Args:
        job: The job.

    Raises:
        SyncError: There is no listing.
    """
    stored = job.lake.batches(listing_table.ASSET, partition=job.name).schema.names
    if "link_root" not in stored:
        return None
    return listing_table.link_root(
        job.lake.batches(listing_table.ASSET, partition=job.name, columns=["link_root"])
    )


def listed_at(job: JobRun) -> datetime:
    """Return when the scan of the last listing began.

    Args:
        job: The job.

    Raises:
        SyncError: There is no listing.
    """
    return listing_table.scan_time(
        job.lake.batches(listing_table.ASSET, partition=job.name, columns=["scanned_at"])
    )
