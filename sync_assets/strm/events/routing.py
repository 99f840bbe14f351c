"""Which jobs a change concerns, and what each of them has to look at. Pure functions of paths."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sync_assets.strm.events.parsing import Change, ChangeKind

ROOT = ""


class Expectation(StrEnum):
    """What the last change said about a path; it never decides, it only says whether to wait."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Touch:
    """A path to look at.

    Attributes:
        expectation: What the last change said of it.
        order: The place of that change in the batch.
        events: The inbox events that named it.
        is_directory: Whether the last change called it a directory.
    """

    expectation: Expectation
    order: int
    events: set[int]
    is_directory: bool | None


@dataclass(slots=True)
class JobChanges:
    """What a batch of changes asks of one job; all paths are relative to its source.

    Attributes:
        touches: The paths to look at.
        rescans: Subtrees to scan whole, with the events that ask for it; empty is the root.
        renames: Directories that moved, from their first place to their last, in order.
    """

    touches: dict[str, Touch] = field(default_factory=dict)
    rescans: dict[str, set[int]] = field(default_factory=dict)
    renames: list[tuple[str, str]] = field(default_factory=list)

    def rescan(self, path: str, event: int) -> None:
        """Ask for a subtree to be scanned whole."""
        self.rescans.setdefault(path, set()).add(event)

    def touch(
        self,
        path: str,
        expectation: Expectation,
        event: int,
        order: int,
        *,
        is_directory: bool | None,
    ) -> None:
        """Ask for a path to be looked at; the last expectation holds."""
        known = self.touches.get(path)
        events = {event} if known is None else known.events | {event}
        self.touches[path] = Touch(expectation, order, events, is_directory)

    def rename(self, old: str, new: str) -> None:
        """Note that a directory moved; a chain of moves becomes one."""
        moved = False
        for index, (first, last) in enumerate(self.renames):
            if last == old or last.startswith(f"{old}/"):
                self.renames[index] = (first, new + last[len(old) :])
                moved = moved or last == old
        if not moved:
            self.renames.append((old, new))
        self.renames = [pair for pair in self.renames if pair[0] != pair[1]]

    def events(self) -> set[int]:
        """Return all events that ask something of this job."""
        sets = [touch.events for touch in self.touches.values()]
        return set().union(*sets, *self.rescans.values())

    def settle_expectations(self) -> None:
        """Expect nothing of what a later change has removed together with a directory above it."""
        for path, touch in self.touches.items():
            for ancestor in ancestors(path):
                above = self.touches.get(ancestor)
                if (
                    above is not None
                    and above.expectation is Expectation.ABSENT
                    and above.order > touch.order
                ):
                    touch.expectation = Expectation.UNKNOWN


def route(changes: Iterable[tuple[int, Change]], roots: Mapping[str, str]) -> dict[str, JobChanges]:
    """Sort a batch of changes by job.

    Args:
        changes: Inbox events and what they say, in the order of arrival.
        roots: Where each job's source is in the sender's terms, by the job's name.

    Returns:
        What to look at, by job; a job that nothing concerns is left out.
    """
    jobs: dict[str, JobChanges] = {}
    router = _Router(roots)
    for order, (event, change) in enumerate(changes):
        for name, path in router.parts(change):
            job = jobs.setdefault(name, JobChanges())
            _add(job, router, name, path, change, event, order)
    for job in jobs.values():
        job.settle_expectations()
    return jobs


def ancestors(path: str) -> Iterator[str]:
    """Return the directories above a relative path, the nearest first; the root is left out."""
    parent, _, _ = path.rpartition("/")
    while parent:
        yield parent
        parent, _, _ = parent.rpartition("/")


def is_within(path: str, directory: str) -> bool:
    """Tell whether a relative path is a directory or lies below it; the empty one holds all."""
    return not directory or path == directory or path.startswith(f"{directory}/")


class _Router:
    def __init__(self, roots: Mapping[str, str]) -> None:
        self._roots = {name: root.rstrip("/") for name, root in roots.items()}

    def parts(self, change: Change) -> list[tuple[str, str]]:
        """Return the jobs that a change concerns, with each of its paths that does."""
        paths = [change.path] if change.destination is None else [change.path, change.destination]
        return [(name, path) for path in paths for name in self._concerned(path)]

    def relative(self, name: str, path: str) -> str:
        """Return a path relative to a job's root; that of a parent of the root is the root."""
        root = self._roots[name]
        return path[len(root) + 1 :] if path.startswith(f"{root}/") else ROOT

    def _concerned(self, path: str) -> list[str]:
        path = path.rstrip("/")
        covering = {
            name: len(root)
            for name, root in self._roots.items()
            if path == root or path.startswith(f"{root}/")
        }
        longest = max(covering.values(), default=-1)
        nearest = [name for name, length in covering.items() if length == longest]
        below = [name for name, root in self._roots.items() if root.startswith(f"{path}/")]
        return [*nearest, *below]


def _add(  # noqa: PLR0913, PLR0917 - one change in one job
    job: JobChanges,
    router: _Router,
    name: str,
    path: str,
    change: Change,
    event: int,
    order: int,
) -> None:
    relative = router.relative(name, path)
    if change.kind is ChangeKind.RESCAN or relative == ROOT:
        # Of the root itself nothing is believed but what a whole scan sees.
        job.rescan(relative, event)
        return
    expectation = {
        ChangeKind.CREATE: Expectation.PRESENT,
        ChangeKind.DELETE: Expectation.ABSENT,
        ChangeKind.RENAME: Expectation.PRESENT
        if path == change.destination
        else Expectation.ABSENT,
    }.get(change.kind, Expectation.UNKNOWN)
    job.touch(relative, expectation, event, order, is_directory=change.is_directory)
    if change.kind is ChangeKind.RENAME and path == change.destination:
        old = router.relative(name, change.path)
        if old != ROOT and (name, change.path) in router.parts(change):
            job.rename(old, relative)
