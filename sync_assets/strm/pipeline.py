"""The stages of the pipeline for one job, without Dagster: list, write, clean, tell.

Each reads what the stage before stored in the lake, so that any stage can run alone.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sync_assets.lake import Lake
from sync_assets.lake.columns import text_column
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import Lease
from sync_assets.progress import Progress
from sync_assets.settings.strm import MediaServerSettings, StrmJobSettings
from sync_assets.strm import listing_table
from sync_assets.strm.announcements import coalesced, forget_changes, pending_announcement
from sync_assets.strm.approval import decide, preview, require_plan
from sync_assets.strm.drives import require_mounted
from sync_assets.strm.links import LinkBuilder
from sync_assets.strm.manifest import Manifest
from sync_assets.strm.media_server import MediaServer, MediaServerError
from sync_assets.strm.models import (
    Decision,
    DeletionPlan,
    ItemFailure,
    ListedDirectory,
    ListingStatus,
    ListingSummary,
    OwnedFile,
    join,
)
from sync_assets.strm.orphans import delete_orphans, plan_deletion
from sync_assets.strm.output import Output
from sync_assets.strm.scan import scan
from sync_assets.strm.sources import SourceUnavailableError, open_source
from sync_assets.strm.touched import forget_touched, without_touched
from sync_assets.strm.tree import Change, TreeWriter

if TYPE_CHECKING:
    import pyarrow as pa

TREE = ("strm", "tree")
ORPHANS = ("strm", "orphans")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobRun:
    """One job in one stage of one run.

    Attributes:
        name: The job's name, which is its partition.
        settings: Its settings.
        lease: What keeps other STRM runs away; `require()` it before deleting.
        ledger: The ledger.
        lake: The lake.
        media_servers: The servers that are told of changes, by name.
    """

    name: str
    settings: StrmJobSettings
    lease: Lease
    ledger: Ledger
    lake: Lake
    media_servers: Mapping[str, MediaServerSettings] = field(default_factory=dict)

    @property
    def manifest(self) -> Manifest:
        """What the job wrote into its output."""
        manifest = Manifest(self.ledger, self.name, announces=bool(self.media_servers))
        manifest.claim_output(self.settings.output)
        return manifest

    def require_mounted(self) -> None:
        """Make sure that the job's drive was not reported as unmounted.

        Raises:
            DriveUnmountedError: It was.
        """
        paths = (self.settings.source_path, self.settings.event_path)
        require_mounted(self.ledger, self.name, paths)


@dataclass(frozen=True)
class StageResult:
    """What a stage did for one job.

    Attributes:
        numbers: Counts, plotted by the UI and reported by `/health`.
        failures: Items that did not work.
        notes: Further facts, for people.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    failures: Sequence[ItemFailure] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)


def list_source(job: JobRun) -> StageResult:
    """List a job's source and store the listing.

    Args:
        job: The job.

    Returns:
        What was found. Directories that could not be listed are its failures.

    Raises:
        SourceUnavailableError: The source is not there, or is empty although the job has files:
            then the last listing stays as it is.
        DriveUnmountedError: Its drive was reported as unmounted.
    """
    job.require_mounted()
    scanned_at = datetime.now(UTC)
    summary = ListingSummary()
    with open_source(job.settings.source, job.ledger) as source:
        listing = scan(
            source, exclude=job.settings.exclude, maximum_depth=job.settings.maximum_depth
        )
        directories = _counted(listing, summary, owned=job.manifest.count())
        written = job.lake.write(
            listing_table.ASSET,
            listing_table.to_batches(directories, scanned_at, link_root=source.link_root),
            partition=job.name,
        )
        requests = source.requests
    forget_touched(job.ledger, job.name, before=scanned_at.timestamp())
    return StageResult(
        {
            "listed": summary.files,
            "directories": summary.directories,
            "bytes": summary.bytes,
            "truncated": len(summary.truncated),
            "requests": requests,
        },
        summary.failures,
        {"source": job.settings.source.location, "listing": str(written.path)},
    )


def write_tree(job: JobRun, *, skip_existing: bool = False) -> StageResult:
    """Make a job's output agree with its last listing.

    Args:
        job: The job.
        skip_existing: Leave every file that is there as it is, unless it is empty or torn.

    Returns:
        What was written.

    Raises:
        SyncError: There is no listing, or the output cannot be written.
    """
    changes: list[Change] = []
    progress = Progress(logger, "files")
    with Output(job.settings.output) as output:
        writer = TreeWriter(
            job.settings,
            output,
            job.manifest,
            skip_existing=skip_existing,
            links=LinkBuilder(job.settings, link_root=_link_root(job)),
            record=changes.append,
            progress=lambda summary: progress.update(summary.total),
        )
        summary = writer.write(stored_listing(job))
    job.lake.write(TREE, [_change_batch(changes)], partition=job.name)
    return StageResult(
        {
            "created": summary.created,
            "updated": summary.updated,
            "unchanged": summary.unchanged,
            "skipped": summary.skipped,
            "foreign": summary.foreign,
        },
        summary.failures,
        {"output": str(job.settings.output)},
    )


def clean_orphans(
    job: JobRun,
    *,
    dry_run: bool = False,
    approved_plan: str | None = None,
    only_approved: bool = False,
) -> StageResult:
    """Delete the files of a job whose media are gone, within its limits.

    Args:
        job: The job.
        dry_run: Only say what would be deleted.
        approved_plan: The id of a plan that a user has approved; it may be carried out although
            it is beyond the limits.
        only_approved: Delete nothing but that plan.

    Returns:
        What was deleted, and what waits for approval.

    Raises:
        PlanChangedError: Only the approved plan was wanted, and it is not the plan any more.
        SyncError: There is no listing, the output cannot be written, or the drive was reported
            as unmounted.
    """
    job.require_mounted()
    listed_at = _listed_at(job)
    plan = plan_deletion(
        job.name,
        job.settings,
        job.manifest,
        stored_listing(job),
        listed_at=listed_at.timestamp(),
    )
    if only_approved:
        require_plan(plan, approved_plan or "")
    if dry_run:
        verdict = preview(plan, approved_plan=approved_plan)
    else:
        verdict = decide(
            job.ledger,
            job.name,
            plan,
            listed_at=listed_at,
            limits=job.settings.deletion,
            approved_plan=approved_plan,
        )
    rows: list[tuple[OwnedFile, Decision, str | None]] = []
    failures: list[ItemFailure] = []
    if plan.orphans and not dry_run and not verdict.waits:
        with Output(job.settings.output) as output:
            failures = delete_orphans(
                plan, output, job.manifest, job.lease, record=lambda *row: rows.append(row)
            )
    else:
        decision = Decision.WAITING if verdict.waits else Decision.PROPOSED
        rows = [(orphan, decision, plan.refusal) for orphan in plan.orphans]
    job.lake.write(ORPHANS, [_orphan_batch(plan, rows)], partition=job.name)
    return StageResult(_orphan_numbers(plan, rows), failures, verdict.notes)


def clean_and_tell(
    job: JobRun,
    *,
    dry_run: bool = False,
    approved_plan: str | None = None,
    only_approved: bool = False,
) -> StageResult:
    """Clean a job's orphans, and tell the media servers where a plan is left that blocks the rest.

    A plan that waits stops the run before the stage that tells. Without this, new films would
    stay unknown to the servers for as long as nobody approves.

    Args:
        job: The job.
        dry_run: As for `clean_orphans`.
        approved_plan: As for `clean_orphans`.
        only_approved: As for `clean_orphans`.

    Returns:
        What was deleted, what waits, and what was told.

    Raises:
        SyncError: As for `clean_orphans`.
    """
    cleaned = clean_orphans(
        job, dry_run=dry_run, approved_plan=approved_plan, only_approved=only_approved
    )
    if not cleaned.numbers["waiting"]:
        return cleaned
    told = tell_media_servers(job)
    return StageResult(
        {**cleaned.numbers, **told.numbers}, [*cleaned.failures, *told.failures], cleaned.notes
    )


def tell_media_servers(job: JobRun) -> StageResult:
    """Tell the media servers what changed since they were last told.

    Args:
        job: The job.

    Returns:
        How many paths were told of. A server that could not be told is a failure, and is told
        with the next run.
    """
    announcement = pending_announcement(job.ledger, job.name)
    if announcement is None or not job.media_servers:
        return StageResult({"announced": 0, "requests": 0})
    kinds = coalesced(announcement.kinds)
    failures = []
    requests = 0
    for name, settings in job.media_servers.items():
        try:
            requests += MediaServer(name, settings).announce(str(job.settings.output), kinds)
        except MediaServerError as error:
            failures.append(ItemFailure(name, error.message, error.remedy))
    if not failures:
        forget_changes(job.ledger, job.name, announcement.last_id)
    return StageResult({"announced": len(kinds), "requests": requests}, failures)


def _counted(
    directories: Iterable[ListedDirectory], summary: ListingSummary, *, owned: int
) -> Iterator[ListedDirectory]:
    """Count a scan as it passes; at its end refuse an empty source where there were files."""
    progress = Progress(logger, "files listed")
    entries = 0
    root_error: str | None = None
    for directory in directories:
        if not directory.path and directory.status is ListingStatus.FAILED:
            root_error = directory.error
        _count(directory, summary)
        entries += len(directory.files) + len(directory.unreadable) + (directory.path != "")
        progress.update(summary.files)
        yield directory
    if entries == 0 and root_error is not None:
        raise SourceUnavailableError(
            f"The source cannot be listed: {root_error}.",
            remedy="Mend it, then run the job again; nothing was changed.",
        )
    if entries == 0 and owned:
        raise SourceUnavailableError(
            f"The source is empty, although {owned} of its files are in the library. A drive "
            "that is not mounted looks like this.",
            remedy="Mount the drive. If everything was really removed, delete the library's "
            "files by hand.",
        )


def _count(directory: ListedDirectory, summary: ListingSummary) -> None:
    path = directory.path or "/"
    if directory.status in (ListingStatus.COMPLETE, ListingStatus.UNPROVEN):
        summary.directories += 1
    elif directory.status is ListingStatus.TRUNCATED:
        summary.truncated.append(path)
        logger.warning("%s is not listed: %s", path, directory.error)
    else:
        remedy = "Its files in the library are kept. Give this user access to it."
        summary.failures.append(ItemFailure(path, directory.error or "", remedy))
        logger.warning("%s cannot be listed whole: %s", path, directory.error)
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


def stored_listing(job: JobRun) -> Iterator[ListedDirectory]:
    """Return the last listing of a job, without what events have shown to be out of date.

    Args:
        job: The job.

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
            columns=listing_table.columns_for_reading(stored),
        )
    )
    return without_touched(job.ledger, job.name, listing, listed_at=_listed_at(job).timestamp())


def _link_root(job: JobRun) -> str | None:
    stored = job.lake.batches(listing_table.ASSET, partition=job.name).schema.names
    if "link_root" not in stored:
        return None
    return listing_table.link_root(
        job.lake.batches(listing_table.ASSET, partition=job.name, columns=["link_root"])
    )


def _listed_at(job: JobRun) -> datetime:
    return listing_table.scan_time(
        job.lake.batches(listing_table.ASSET, partition=job.name, columns=["scanned_at"])
    )


def _text_batch(columns: Mapping[str, Sequence[str | None]]) -> "pa.RecordBatch":
    import pyarrow as pa  # noqa: PLC0415 - a fifth of a second, which most processes never need

    arrays = [text_column(values) for values in columns.values()]
    return pa.record_batch(arrays, names=list(columns))


def _change_batch(changes: Sequence[Change]) -> "pa.RecordBatch":
    return _text_batch(
        {
            "path": [change.path for change in changes],
            "source_path": [change.source_path for change in changes],
            "outcome": [change.outcome for change in changes],
            "error": [change.error for change in changes],
        }
    )


def _orphan_batch(
    plan: DeletionPlan, rows: Sequence[tuple[OwnedFile, Decision, str | None]]
) -> "pa.RecordBatch":
    return _text_batch(
        {
            "plan_id": [plan.plan_id] * len(rows),
            "path": [orphan.path for orphan, _, _ in rows],
            "decision": [decision for _, decision, _ in rows],
            "reason": [reason for _, _, reason in rows],
        }
    )


def _orphan_numbers(
    plan: DeletionPlan, rows: Sequence[tuple[OwnedFile, Decision, str | None]]
) -> dict[str, int]:
    decisions = [decision for _, decision, _ in rows]
    return {
        "owned": plan.owned - decisions.count(Decision.DELETED) - decisions.count(Decision.EDITED),
        "deleted": decisions.count(Decision.DELETED),
        "edited": decisions.count(Decision.EDITED),
        "waiting": decisions.count(Decision.WAITING),
        "protected": plan.protected,
    }
