"""The stage of metadata files: nfo, images and subtitles come along beside the `.strm` files."""

import logging
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, closing, contextmanager

from sync_assets.progress import Progress
from sync_assets.settings.strm import StrmJobSettings
from sync_assets.settings.strm_metadata import MetadataMode
from sync_assets.settings.strm_sources import LocalSourceSettings
from sync_assets.strm import change_table
from sync_assets.strm.job_run import JobRun, StageResult
from sync_assets.strm.listing.stored_listing import stored_listing
from sync_assets.strm.metadata.copying import Copier, Downloads
from sync_assets.strm.metadata.files import MetadataWriter
from sync_assets.strm.metadata.manifest import MetadataManifest
from sync_assets.strm.metadata.mounts import MountReader
from sync_assets.strm.metadata.summary import MetadataSummary
from sync_assets.strm.models import Change, FileKind, ListedDirectory
from sync_assets.strm.output.folding import Places, probe_folding
from sync_assets.strm.output.root import Output
from sync_assets.strm.sources import Source, open_source

ASSET = ("strm", "metadata")

logger = logging.getLogger(__name__)


def write_metadata(job: JobRun, *, skip_existing: bool = False) -> StageResult:
    """Bring the metadata files that a job's last listing has, and its library lacks.

    Args:
        job: The job.
        skip_existing: Leave every file that is there as it is, whatever the job's policy.

    Returns:
        What was brought; nothing where the job wants no metadata files.

    Raises:
        SyncError: There is no listing, or the output cannot be written.
    """
    progress = Progress(logger, "metadata files")
    with job.lake.replacing(ASSET, change_table.schema(), partition=job.name) as stored:
        changes = change_table.ChangeWriter(stored)
        result = bring_metadata(
            job,
            stored_listing(job, with_times=True) if wants_metadata(job.settings) else (),
            lambda: _checked_source(job),
            skip_existing=skip_existing,
            record=changes.add,
            progress=lambda summary: progress.update(summary.total),
        )
        changes.flush()
    return result


def bring_metadata(  # noqa: PLR0913 - the optional ones are named
    job: JobRun,
    listing: Iterable[ListedDirectory],
    open_checked: Callable[[], AbstractContextManager[Source]],
    *,
    skip_existing: bool = False,
    record: Callable[[Change], None],
    progress: Callable[[MetadataSummary], None] = lambda _: None,
) -> StageResult:
    """Bring the metadata files of some directories.

    Args:
        job: The job.
        listing: The directories, with the times of their files.
        open_checked: Opens the job's source and makes sure that it is there; called only where a
            file is to be read from it.
        skip_existing: As for `write_metadata`.
        record: Called with every change and failure.
        progress: Called after every batch.

    Returns:
        What was brought; nothing where the job wants no metadata files.

    Raises:
        SyncError: The output cannot be written.
    """
    if not wants_metadata(job.settings):
        return StageResult(_numbers(MetadataSummary(), requests=0))
    job.require_mounted()
    settings = job.settings.metadata
    is_local = isinstance(job.settings.source, LocalSourceSettings)
    job.manifest.claim_output(job.settings.output)
    with Output(job.settings.output) as output, closing(Downloads(open_checked)) as downloads:
        copier = Copier(
            _mount(job.settings),
            None if is_local else downloads,
            maximum_size=settings.maximum_size_bytes,
        )
        writer = MetadataWriter(
            job.settings,
            output,
            MetadataManifest(job.ledger, job.name, announces=bool(job.media_servers)),
            job.lease,
            copier,
            places=Places(probe_folding(output), job.manifest.of_kind(FileKind.METADATA)),
            skip_existing=skip_existing,
            record=record,
            progress=progress,
        )
        summary = writer.write(listing)
        requests = downloads.requests
    return StageResult(_numbers(summary, requests), summary.failures, files=summary.total)


def wants_metadata(settings: StrmJobSettings) -> bool:
    """Tell whether a job brings metadata files, and looks after those that it brought."""
    return settings.metadata.mode is not MetadataMode.NONE


def _mount(settings: StrmJobSettings) -> MountReader | None:
    if settings.metadata.mode is not MetadataMode.COPY:
        return None
    folder = settings.metadata.path
    if folder is None and isinstance(settings.source, LocalSourceSettings):
        folder = settings.source.path
    return None if folder is None else MountReader(folder, settings.metadata.timeout_seconds)


@contextmanager
def _checked_source(job: JobRun) -> Generator[Source]:
    with open_source(job.settings.source, job.ledger) as source:
        source.check()
        yield source


def _numbers(summary: MetadataSummary, requests: int) -> dict[str, int]:
    return {
        "metadata_copied": summary.copied,
        "metadata_updated": summary.updated,
        "metadata_unchanged": summary.unchanged,
        "metadata_foreign": summary.foreign,
        "metadata_too_large": summary.too_large,
        "metadata_postponed": summary.postponed,
        "bytes": summary.bytes,
        "requests": requests,
    }
