"""Bring one job up to date where events say that something happened, and only there.

What an event claims is never believed. Its path is looked up at the source: what is there is
written, and what is proven to be gone is deleted, within the limits of a full run. Therefore
events may come twice, late, in any order, or be invented.
"""

import logging
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field

from sync_assets.strm.job_run import JobRun, StageResult
from sync_assets.strm.links import LinkBuilder
from sync_assets.strm.metadata import bring_metadata, write_metadata
from sync_assets.strm.models import (
    Change,
    Decision,
    Entry,
    EntryKind,
    ItemFailure,
    ListedDirectory,
    ListingStatus,
)
from sync_assets.strm.orphans import delete_orphans, plan_deletion
from sync_assets.strm.output import Output
from sync_assets.strm.pipeline import clean_orphans, list_and_write
from sync_assets.strm.routing import (
    ROOT,
    Expectation,
    JobChanges,
    Touch,
    ancestors,
    is_within,
)
from sync_assets.strm.source_view import Located, Presence, SourceView
from sync_assets.strm.sources import Source, open_source
from sync_assets.strm.stored_listing import stored_listing
from sync_assets.strm.touched import record_touched
from sync_assets.strm.tree import TreeWriter

logger = logging.getLogger(__name__)

MAXIMUM_TOUCHES = 500
"""More paths than this are cheaper, and gentler to the source, as one scan of what they share."""

_NOT_SEEN = "it is not in the source (yet)"
_STILL_SEEN = "it is still in the source"
_EMPTY = "its folder is empty (yet)"


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Why an event has to be looked at again.

    Attributes:
        path: What it is about.
        reason: What is not as it should be.
        is_failure: Whether the event has failed when it never settles; a file that was reported
            as deleted and stays is simply there.
    """

    path: str
    reason: str
    is_failure: bool = True


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
        self._done = Touched()
        self._listing: dict[str, ListedDirectory] = {}
        self._below: set[str] = set()
        self._protected: set[str] = set()
        self._moved = 0

    def run(self) -> Touched:
        rescans = self._rescans()
        with Output(self._job.settings.output) as output:
            for old, new in self._changes.renames[:MAXIMUM_TOUCHES]:
                self._move(output, old, new)
            if ROOT in rescans:
                self._scan_everything()
                return self._done
            for path in rescans:
                self._rescan(path, self._changes.rescans.get(path, set()))
            outside = self._outside(rescans)
            for path, one in outside.items():
                self._look(path, one)
            self._check_seen(
                (path, one) for path, one in self._changes.touches.items() if path not in outside
            )
            self._write(output)
        return self._done

    def _rescans(self) -> list[str]:
        """Return the subtrees to scan whole: those asked for, or one for too many paths."""
        asked = set(self._changes.rescans)
        if len(self._changes.touches) + len(asked) > MAXIMUM_TOUCHES:
            parents = [path.rpartition("/")[0] for path in self._changes.touches]
            return [_common_directory([*parents, *asked])]
        return sorted(
            path for path in asked if not any(is_within(path, each) for each in asked - {path})
        )

    def _outside(self, rescans: list[str]) -> dict[str, Touch]:
        if not rescans:
            return self._changes.touches
        return {
            path: one
            for path, one in self._changes.touches.items()
            if not any(is_within(path, rescan) for rescan in rescans)
        }

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

    def _look(self, path: str, one: Touch) -> None:
        located = self._view.locate(path)
        presence = located.presence
        if presence is Presence.HIDDEN:
            return
        if presence is Presence.UNKNOWN:
            self._unsettle(one.events, Unsettled(path, located.error))
            return
        self._list_alone(located.parent)
        if presence is Presence.GONE:
            self._look_at_gone(path, one, located)
        elif one.expectation is Expectation.ABSENT:
            self._unsettle(one.events, Unsettled(path, _STILL_SEEN, is_failure=False))
        if presence is Presence.DIRECTORY:
            self._list_below(path, one.events, expected=one.expectation is Expectation.PRESENT)

    def _look_at_gone(self, path: str, one: Touch, located: Located) -> None:
        if one.expectation is not Expectation.PRESENT:
            self._below.add(located.missing)
            return
        # Just reported and not listed yet: the listing lags, and proves nothing about this path.
        self._unsettle(one.events, Unsettled(path, _NOT_SEEN))
        self._protected.add(path)

    def _rescan(self, path: str, events: set[int]) -> None:
        located = self._view.locate(path)
        if located.presence is Presence.HIDDEN:
            return
        if located.presence is Presence.UNKNOWN:
            self._unsettle(events, Unsettled(path, located.error))
            return
        self._list_alone(located.parent)
        if located.presence is Presence.DIRECTORY:
            self._list_below(path, events, expected=False)
        elif located.presence is Presence.GONE:
            self._below.add(located.missing)

    def _list_alone(self, path: str) -> None:
        if path not in self._listing:
            self._listing[path] = self._view.directory(path)

    def _list_below(self, path: str, events: set[int], *, expected: bool) -> None:
        if self._is_below(path):
            inside = [each for each in self._listing.values() if is_within(each.path, path)]
        else:
            inside = self._view.subtree(path)
            self._listing.update({listed.path: listed for listed in inside})
            self._below.add(path)
        for listed in inside:
            if listed.status is ListingStatus.FAILED:
                self._unsettle(events, Unsettled(listed.path, listed.error or ""))
        if expected and len(inside) == 1 and not inside[0].files and not inside[0].unreadable:
            self._unsettle(events, Unsettled(path, _EMPTY))

    def _is_below(self, path: str) -> bool:
        return not self._below.isdisjoint((path, *ancestors(path)))

    def _check_seen(self, touches: Iterable[tuple[str, Touch]]) -> None:
        """Unsettle what a scan should have seen and has not."""
        names = {
            (listed.path, entry.name)
            for listed in self._listing.values()
            for entry in (*listed.files, *listed.unreadable)
        }
        for path, one in touches:
            directory, _, name = path.rpartition("/")
            unlisted = self._failed_above(path)
            if unlisted is not None:
                self._unsettle(one.events, Unsettled(unlisted.path, unlisted.error or ""))
            elif (
                one.expectation is Expectation.PRESENT
                and (directory, name) not in names
                and path not in self._listing
            ):
                self._unsettle(one.events, Unsettled(path, _NOT_SEEN))
                self._protected.add(path)

    def _failed_above(self, path: str) -> ListedDirectory | None:
        """Return the nearest listed directory above a path where it could not be listed."""
        listed = next(
            (self._listing[each] for each in ancestors(path) if each in self._listing), None
        )
        return listed if listed is not None and listed.status is ListingStatus.FAILED else None

    def _protect(self) -> None:
        """Make the listing say that the protected paths are there, though unknown."""
        for path in self._protected:
            missing = path
            while (parent := missing.rpartition("/")[0]) not in self._listing and parent:
                missing = parent
            if parent in self._listing:
                name = missing.rpartition("/")[2]
                self._listing[parent].unreadable.append(Entry(name, EntryKind.UNREADABLE))

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
        wanted = {path.rpartition("/")[0] for path in self._changes.touches}
        paths = set(self._changes.touches)
        self._listing = {
            listed.path: listed
            for listed in stored_listing(job)
            if listed.path in wanted or listed.path in paths
        }
        self._check_seen(self._changes.touches.items())
        self._done.result = StageResult({**numbers, "moved": self._moved}, failures, notes)

    def _write(self, output: Output) -> None:
        job = self._job
        self._protect()
        listing = list(self._listing.values())
        record_touched(
            job.ledger,
            job.name,
            directories=[each.path for each in listing if not self._is_below(each.path)],
            subtrees=self._below,
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
            listed_at=self._view.began_at,
            below=_topmost(self._below),
        )
        failures = [*summary.failures, *metadata.failures]
        decisions: list[Decision] = []
        if plan.refusal is None and plan.orphans:
            failures += delete_orphans(
                plan, output, job.manifest, job.lease, record=lambda *row: decisions.append(row[1])
            )
        waiting = len(plan.orphans) if plan.refusal else 0
        notes = {} if plan.refusal is None else {"waiting_for_approval": _waits(plan.refusal)}
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

    def _unsettle(self, events: Iterable[int], why: Unsettled) -> None:
        for event in events:
            known = self._done.unsettled.get(event)
            if known is None or not known.is_failure:
                self._done.unsettled[event] = why


def _waits(refusal: str) -> str:
    return (
        f"Nothing was deleted: {refusal}. The next full scan makes the plan that can be approved; "
        "to have it now, run strm_full for this job."
    )


def _topmost(paths: Iterable[str]) -> list[str]:
    """Leave out what lies inside another one, so that nothing is found twice."""
    kept: list[str] = []
    for path in sorted(paths):
        if not any(is_within(path, each) for each in kept):
            kept.append(path)
    return kept


def _common_directory(paths: Iterable[str]) -> str:
    common: list[str] | None = None
    for path in paths:
        segments = path.split("/") if path else []
        if common is None:
            common = segments
            continue
        equal = 0
        while equal < min(len(common), len(segments)) and common[equal] == segments[equal]:
            equal += 1
        common = common[:equal]
    return "/".join(common or [])
