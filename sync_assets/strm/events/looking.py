"""Look at what events named: which directories are listed for it, and what stays unsettled.

Nothing is written here; `events.touching` does that with what was seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sync_assets.strm.events.routing import Expectation, JobChanges, Touch, ancestors, is_within
from sync_assets.strm.events.source_view import Located, Presence, SourceView
from sync_assets.strm.models import Entry, EntryKind, ListedDirectory, ListingStatus

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


class Look:
    """What was seen at a source of that which events named.

    Args:
        changes: What the events named.
        view: The source.

    Attributes:
        listing: The directories that were listed, by path.
        below: Below which directories whatever the listing lacks is gone.
        unsettled: What has to be looked at again, by event.
    """

    def __init__(self, changes: JobChanges, view: SourceView) -> None:
        self._changes = changes
        self._view = view
        self._protected: set[str] = set()
        self.listing: dict[str, ListedDirectory] = {}
        self.below: set[str] = set()
        self.unsettled: dict[int, Unsettled] = {}

    def at_all(self, rescans: Sequence[str]) -> None:
        """Look at the subtrees that are to be scanned whole, and at all that is outside them."""
        for path in rescans:
            self._rescan(path, self._changes.rescans.get(path, set()))
        outside = self._outside(rescans)
        for path, one in outside.items():
            self._look(path, one)
        self._check_seen(
            (path, one) for path, one in self._changes.touches.items() if path not in outside
        )
        self._protect()

    def at_scan(self, scan: Iterable[ListedDirectory]) -> None:
        """Look at what a full scan has seen."""
        paths = set(self._changes.touches)
        wanted = paths | {path.rpartition("/")[0] for path in paths}
        self.listing = {listed.path: listed for listed in scan if listed.path in wanted}
        self._check_seen(self._changes.touches.items())

    def alone(self) -> list[str]:
        """Return the directories that were listed without what is below them."""
        return [path for path in self.listing if not self._is_below(path)]

    def rescans(self) -> list[str]:
        """Return the subtrees to scan whole: those asked for, or one for too many paths."""
        asked = set(self._changes.rescans)
        if len(self._changes.touches) + len(asked) > MAXIMUM_TOUCHES:
            parents = [path.rpartition("/")[0] for path in self._changes.touches]
            return [_common_directory([*parents, *asked])]
        return sorted(
            path for path in asked if not any(is_within(path, each) for each in asked - {path})
        )

    def _outside(self, rescans: Sequence[str]) -> dict[str, Touch]:
        if not rescans:
            return self._changes.touches
        return {
            path: one
            for path, one in self._changes.touches.items()
            if not any(is_within(path, rescan) for rescan in rescans)
        }

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
            self.below.add(located.missing)
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
            self.below.add(located.missing)

    def _list_alone(self, path: str) -> None:
        if path not in self.listing:
            self.listing[path] = self._view.directory(path)

    def _list_below(self, path: str, events: set[int], *, expected: bool) -> None:
        if self._is_below(path):
            inside = [each for each in self.listing.values() if is_within(each.path, path)]
        else:
            inside = self._view.subtree(path)
            self.listing.update({listed.path: listed for listed in inside})
            self.below.add(path)
        for listed in inside:
            if listed.status is ListingStatus.FAILED:
                self._unsettle(events, Unsettled(listed.path, listed.error or ""))
        if expected and len(inside) == 1 and not inside[0].files and not inside[0].unreadable:
            self._unsettle(events, Unsettled(path, _EMPTY))

    def _is_below(self, path: str) -> bool:
        return not self.below.isdisjoint((path, *ancestors(path)))

    def _check_seen(self, touches: Iterable[tuple[str, Touch]]) -> None:
        """Unsettle what a scan should have seen and has not."""
        names = {
            (listed.path, entry.name)
            for listed in self.listing.values()
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
                and path not in self.listing
            ):
                self._unsettle(one.events, Unsettled(path, _NOT_SEEN))
                self._protected.add(path)

    def _failed_above(self, path: str) -> ListedDirectory | None:
        """Return the nearest listed directory above a path where it could not be listed."""
        listed = next(
            (self.listing[each] for each in ancestors(path) if each in self.listing), None
        )
        return listed if listed is not None and listed.status is ListingStatus.FAILED else None

    def _protect(self) -> None:
        """Make the listing say that the protected paths are there, though unknown."""
        for path in self._protected:
            missing = path
            while (parent := missing.rpartition("/")[0]) not in self.listing and parent:
                missing = parent
            if parent in self.listing:
                name = missing.rpartition("/")[2]
                self.listing[parent].unreadable.append(Entry(name, EntryKind.UNREADABLE))

    def _unsettle(self, events: Iterable[int], why: Unsettled) -> None:
        for event in events:
            known = self.unsettled.get(event)
            if known is None or not known.is_failure:
                self.unsettled[event] = why


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
