"""The stages of the pipeline for one job, without Dagster: list, write, clean, tell.

Each reads what the stage before stored in the lake, so that any stage can run alone.
"""

import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sync_assets.errors import ItemFailure
from sync_assets.lake.columns import text_column
from sync_assets.progress import Progress
from sync_assets.strm import change_table
from sync_assets.strm.announcements import coalesced, forget_changes, pending_announcement
from sync_assets.strm.deleting.approval import decide, preview, require_plan
from sync_assets.strm.deleting.orphans import delete_orphans, plan_deletion
from sync_assets.strm.events.touched import without_touched
from sync_assets.strm.job_run import JobRun, StageResult
from sync_assets.strm.links import LinkBuilder
from sync_assets.strm.listing.source_scan import scan_source
from sync_assets.strm.listing.stored_listing import link_root, listed_at, stored_listing
from sync_assets.strm.media_server import MediaServer, MediaServerError
from sync_assets.strm.models import Decision, DeletionPlan, OwnedFile, TreeSummary
from sync_assets.strm.output.root import Output
from sync_assets.strm.tree import TreeWriter

if TYPE_CHECKING:
    import pyarrow as pa

ORPHANS = ("strm", "orphans")

logger = logging.getLogger(__name__)


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
    with scan_source(job) as scan:
        for _ in scan:
            pass
    return scan.result()


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
    links = LinkBuilder(job.settings, link_root=link_root(job))
    with _writing(job, links, skip_existing=skip_existing) as writer:
        writer.write(stored_listing(job))
    return _tree_result(job, writer.summary)


def list_and_write(job: JobRun, *, skip_existing: bool = False) -> tuple[StageResult, StageResult]:
    """List a job's source, and write each directory's files as soon as it is listed.

    On a slow drive the library grows with the scan, and writing costs no time of its own.

    Args:
        job: The job.
        skip_existing: As for `write_tree`.

    Returns:
        What `list_source` and `write_tree` return. The listing's numbers are of both together.

    Raises:
        SyncError: As for `list_source` and `write_tree`. What was written stays.
    """
    with scan_source(job) as scan:
        links = LinkBuilder(job.settings, link_root=scan.link_root)
        listing = without_touched(job.ledger, job.name, scan, listed_at=scan.scanned_at.timestamp())
        with _writing(job, links, skip_existing=skip_existing) as writer:
            writer.write(listing)
    return scan.result(), _tree_result(job, writer.summary)


@contextmanager
def _writing(job: JobRun, links: LinkBuilder, *, skip_existing: bool) -> Generator[TreeWriter]:
    """Offer what writes the job's output; what still waits is written at the end."""
    progress = Progress(logger, "files")
    with (
        Output(job.settings.output) as output,
        job.lake.replacing(change_table.ASSET, change_table.schema(), partition=job.name) as stored,
    ):
        changes = change_table.ChangeWriter(stored)
        writer = TreeWriter(
            job.settings,
            output,
            job.manifest,
            skip_existing=skip_existing,
            links=links,
            record=changes.add,
            progress=lambda summary: progress.update(summary.total),
        )
        yield writer
        writer.finish()
        changes.flush()


def _tree_result(job: JobRun, summary: TreeSummary) -> StageResult:
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
        files=summary.total,
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
    scanned_at = listed_at(job)
    rows: list[tuple[OwnedFile, Decision, str | None]] = []
    failures: list[ItemFailure] = []
    with Output(job.settings.output) as output:
        plan = plan_deletion(
            job.name,
            job.settings,
            job.manifest,
            stored_listing(job),
            output=output,
            listed_at=scanned_at.timestamp(),
        )
        if only_approved:
            require_plan(plan, approved_plan)
        if dry_run:
            verdict = preview(plan, approved_plan=approved_plan)
        else:
            verdict = decide(
                job.ledger,
                job.name,
                plan,
                listed_at=scanned_at,
                limits=job.settings.deletion,
                approved_plan=approved_plan,
            )
        held = plan.held if verdict.waits else []
        free = plan.free if verdict.waits else plan.orphans
        if dry_run:
            rows += [(orphan, Decision.PROPOSED, None) for orphan in free]
        else:
            job.manifest.strike(plan.superseded)
            failures = delete_orphans(
                free, output, job.manifest, job.lease, record=lambda *row: rows.append(row)
            )
    rows += [(orphan, Decision.WAITING, plan.refusal) for orphan in held]
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


def _text_batch(columns: Mapping[str, Sequence[str | None]]) -> "pa.RecordBatch":
    import pyarrow as pa  # noqa: PLC0415 - a fifth of a second, which most processes never need

    arrays = [text_column(values) for values in columns.values()]
    return pa.record_batch(arrays, names=list(columns))


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
