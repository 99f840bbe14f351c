"""Bring one job up to date where events say that something happened, and only there.

What an event claims is never believed. Its path is looked up at the source: what is there is
written, and what is proven to be gone is deleted, within the limits of a full run. Therefore
events may come twice, late, in any order, or be invented.
"""

import logging
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sync_assets.strm.deleting.event_budget import spend_budget
from sync_assets.strm.deleting.orphans import delete_orphans, plan_deletion
from sync_assets.strm.events.looking import MAXIMUM_TOUCHES, Look, Unsettled
from sync_assets.strm.events.routing import (
    ROOT,
    JobChanges,
    is_within,
)
from sync_assets.strm.events.source_view import Presence, SourceView
from sync_assets.strm.events.touched import record_touched
from sync_assets.strm.job_run import JobRun, StageResult
from sync_assets.strm.links import LinkBuilder
from sync_assets.strm.listing.stored_listing import stored_listing
from sync_assets.strm.metadata.stage import bring_metadata, write_metadata
from sync_assets.strm.models import Change, Decision
from sync_assets.strm.output.root import Output
from sync_assets.strm.pipeline import clean_orphans, list_and_write
from sync_assets.strm.sources import Source, open_source
from sync_assets.strm.tree import TreeWriter

if TYPE_CHECKING:
    from sync_assets.errors import ItemFailure

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Touched:
    """What was done for one job.

    Attributes:
        result: Numbers, failures and notes.
        unsettled: What has to be looked at again, by event.
        changes: Each file that was written.
    """

    result: StageResult = field(default_factory=StageResult)
    unsettled: dict[int, Unsettled] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)


def touch(job: JobRun, changes: JobChanges) -> Touched:
    """Look at what events named, and make the job's library agree with it.

    Args:
        job: The job; the caller holds its lease.
        changes: What the events named.

    Returns:
        What was done, and which events are not settled.

    Raises:
        DriveUnmountedError: The job rests.
        SyncError: The source or the output is not there, or the lease was lost.
    """
    job.require_mounted()
    with open_source(job.settings.source, job.ledger) as source:
        return _Toucher(job, changes, source).run()


class _Toucher:
    def __init__(self, job: JobRun, changes: JobChanges, source: Source) -> None:
        self._job = job
        self._source = source
        self._changes = changes
        # The view asks the source first; before that it does not know its root in links.
        self._view = SourceView(source, job.settings, owned=job.manifest.count())
        self._links = LinkBuilder(job.settings, link_root=source.link_root)
        self._look = Look(changes, self._view)
        self._done = Touched(unsettled=self._look.unsettled)
        self._moved = 0

    def run(self) -> Touched:
        rescans = self._look.rescans()
        with Output(self._job.settings.output) as output:
            for old, new in self._changes.renames[:MAXIMUM_TOUCHES]:
                self._move(output, old, new)
            if ROOT in rescans:
                self._scan_everything()
                return self._done
            self._look.at_all(rescans)
            self._write(output)
        return self._done

    def _move(self, output: Output, old: str, new: str) -> None:
        """Move a renamed directory with what the user put beside our files, where that is safe."""
        if is_within(new, old) or is_within(old, new):
            return
        if (
            self._view.locate(old).presence is not Presence.GONE
            or self._view.locate(new).presence is not Presence.DIRECTORY
        ):
            return
        manifest = self._job.manifest
        try:
            if not output.can_move(old, new):
                return
            self._job.lease.require()
            # Entered before and struck out after, so that a crash leaves no file that nobody owns.
            manifest.enter_moved(old, new)
            output.move_directory(old, new)
        except OSError as error:
            output.raise_if_unavailable(error)
            logger.warning("%s is not moved to %s: %s", old, new, error.strerror)
            manifest.strike_below(new)
            return
        manifest.strike_below(old)
        self._moved += 1

    def _scan_everything(self) -> None:
        """Do what a full run does."""
        job, numbers = self._job, {}
        failures: list[ItemFailure] = []
        notes = {}
        for result in (*list_and_write(job), write_metadata(job), clean_orphans(job)):
            # Of equal names the scan's own numbers count, such as its requests.
            numbers = {**result.numbers, **numbers}
            failures += result.failures
            notes |= result.notes
        self._look.at_scan(stored_listing(job))
        self._done.result = StageResult({**numbers, "moved": self._moved}, failures, notes)

    def _write(self, output: Output) -> None:
        job = self._job
        look = self._look
        listing = list(look.listing.values())
        record_touched(
            job.ledger,
            job.name,
            directories=look.alone(),
            subtrees=look.below,
            touched_at=self._view.began_at,
        )
        writer = TreeWriter(
            job.settings,
            output,
            job.manifest,
            links=self._links,
            record=self._done.changes.append,
        )
        summary = writer.write(listing)
        metadata = bring_metadata(
            job, listing, lambda: nullcontext(self._source), record=self._done.changes.append
        )
        plan = plan_deletion(
            job.name,
            job.settings,
            job.manifest,
            listing,
            output=output,
            listed_at=self._view.began_at,
            below=_topmost(look.below),
        )
        failures = [*summary.failures, *metadata.failures]
        decisions: list[Decision] = []
        job.manifest.strike(plan.superseded)
        free = plan.free
        refusal = spend_budget(job.ledger, job.name, plan, job.settings.deletion)
        if refusal is None:
            failures += delete_orphans(
                free, output, job.manifest, job.lease, record=lambda *row: decisions.append(row[1])
            )
        waiting = len(plan.orphans) if refusal else len(plan.held)
        why = refusal or plan.refusal
        notes = {} if why is None else {"left_to_the_next_full_scan": _waits(why, waiting)}
        self._done.result = StageResult(
            {
                "created": summary.created,
                "updated": summary.updated,
                "unchanged": summary.unchanged,
                "skipped": summary.skipped,
                "foreign": summary.foreign,
                **{name: each for name, each in metadata.numbers.items() if name != "requests"},
                "moved": self._moved,
                "deleted": decisions.count(Decision.DELETED),
                "waiting": waiting,
            },
            failures,
            notes,
        )


def _waits(refusal: str, files: int) -> str:
    return (
        f"{files} files are not deleted: {refusal}. The next full scan deletes what is within its "
        "limits, or makes a plan that can be approved; to have it now, run strm_full for this job."
    )


def _topmost(paths: Iterable[str]) -> list[str]:
    """Leave out what lies inside another one, so that nothing is found twice."""
    kept: list[str] = []
    for path in sorted(paths):
        if not any(is_within(path, each) for each in kept):
            kept.append(path)
    return kept
