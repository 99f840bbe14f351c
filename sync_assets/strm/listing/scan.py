"""Walk a source: every directory once, with a status that says whether its listing is whole.

Nothing here knows what the listing is for, and nothing here writes.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from sync_assets.strm.listing.concurrent_walk import ConcurrentWalk
from sync_assets.strm.models import Entry, EntryKind, ListedDirectory, ListingStatus, join
from sync_assets.strm.sources import DirectoryUnavailableError, Source, UnprovenListingError

_BEFORE = "it was listed by a scan that was interrupted"
_CIRCLE = "it holds exactly what a folder above it holds: the source may lead in a circle"


class Checkpoint(Protocol):
    """Remembers what was listed, so that a scan that was interrupted can go on."""

    def listed(self) -> Iterable[tuple[str, Sequence[Entry]]]:
        """Return the directories that an interrupted scan has listed, parents first."""
        ...

    def record(self, path: str, entries: Sequence[Entry]) -> None:
        """Remember what a directory holds."""
        ...


def scan(
    source: Source,
    *,
    exclude: Sequence[str],
    maximum_depth: int,
    start: str = "",
    checkpoint: Checkpoint | None = None,
) -> Iterator[ListedDirectory]:
    """List a source from its root, or from a directory below it.

    Args:
        source: Where to look.
        exclude: Regular expressions; an entry whose path matches one is left out, and a
            directory with all that is below it.
        maximum_depth: The deepest level that is listed; the root is level 0. A directory below
            it is returned as truncated.
        start: The directory to begin with; empty for the root.
        checkpoint: What an interrupted scan has listed, which is not listed again, and where to
            remember what this one lists. What could not be listed whole is listed again.

    Yields:
        Every directory; parents before their children, in no other order.

    Raises:
        SourceUnavailableError: The source is not there, or went away during the scan.
    """
    source.check()
    scanner = _scanner(source, exclude, maximum_depth)
    return scanner.walk(_Pending(start, _depth(start)), checkpoint)


def list_one(
    source: Source, path: str, *, exclude: Sequence[str], maximum_depth: int
) -> tuple[ListedDirectory, list[str]]:
    """List one directory alone.

    Args:
        source: Where to look.
        path: The directory; empty for the root.
        exclude: As for `scan`.
        maximum_depth: As for `scan`.

    Returns:
        The directory, and the paths of those in it.

    Raises:
        SourceUnavailableError: The source has gone.
    """
    scanner = _scanner(source, exclude, maximum_depth)
    listed = scanner.list_one(_Pending(path, _depth(path)))
    return listed.directory, [child.path for child in listed.children]


def _scanner(source: Source, exclude: Sequence[str], maximum_depth: int) -> "_Scanner":
    return _Scanner(source, [re.compile(pattern) for pattern in exclude], maximum_depth)


def _depth(path: str) -> int:
    return path.count("/") + 1 if path else 0


class _Pending(NamedTuple):
    """A directory that is to be listed.

    Attributes:
        path: Relative to the source.
        depth: Its level.
        above: Fingerprints of what its parents hold.
    """

    path: str
    depth: int = 0
    above: tuple[int, ...] = ()


class _Listed(NamedTuple):
    """What listing a directory gave.

    Attributes:
        directory: The directory.
        children: The directories in it.
        entries: What the source said it holds; None where that may not be all.
    """

    directory: ListedDirectory
    children: Sequence[_Pending] = ()
    entries: Sequence[Entry] | None = None

    @property
    def weight(self) -> int:
        """How many entries it holds, and itself."""
        return 1 + len(self.directory.files) + len(self.children)


class _Scanner:
    def __init__(
        self, source: Source, exclude: Sequence[re.Pattern[str]], maximum_depth: int
    ) -> None:
        self._source = source
        self._exclude = exclude
        self._maximum_depth = maximum_depth

    def walk(self, start: _Pending, checkpoint: Checkpoint | None) -> Iterator[ListedDirectory]:
        """List a directory and all below it, except what the checkpoint knows."""
        pending = {start.path: start}
        for path, entries in checkpoint.listed() if checkpoint is not None else ():
            known = pending.pop(path, None)
            if known is not None:
                # What came back since then is not in it: it shows what there is, and proves no gap.
                listed = self._understand(known, entries, ListingStatus.UNPROVEN, _BEFORE)
                pending.update((child.path, child) for child in listed.children)
                yield listed.directory
        for listed in self._list_all(list(reversed(pending.values()))):
            if checkpoint is not None and listed.entries is not None:
                checkpoint.record(listed.directory.path, listed.entries)
            yield listed.directory

    def _list_all(self, pending: list[_Pending]) -> Iterator[_Listed]:
        """List as many directories at a time as the source allows, depth first."""
        connections = self._source.connections
        if connections > 1:
            yield from ConcurrentWalk(self.list_one, pending, threads=connections)
            return
        while pending:
            listed = self.list_one(pending.pop())
            yield listed
            pending.extend(reversed(listed.children))

    def list_one(self, pending: _Pending) -> _Listed:
        """List one directory, and name those in it."""
        if pending.depth > self._maximum_depth:
            error = f"deeper than level {self._maximum_depth}, which is the deepest listed"
            return _Listed(ListedDirectory(pending.path, ListingStatus.TRUNCATED, error))
        try:
            entries = self._source.list_directory(pending.path)
        except DirectoryUnavailableError as error:
            is_unproven = isinstance(error, UnprovenListingError)
            status = ListingStatus.UNPROVEN if is_unproven else ListingStatus.FAILED
            partly = self._understand(pending, error.seen, status, error.message)
            return partly._replace(entries=None)
        return self._understand(pending, entries)

    def _understand(
        self,
        pending: _Pending,
        entries: Sequence[Entry],
        status: ListingStatus = ListingStatus.COMPLETE,
        error: str | None = None,
    ) -> _Listed:
        """Sort what a directory holds, and find out whether the source leads in a circle."""
        path, depth, above = pending
        listed = ListedDirectory(path, status, error)
        in_order = sorted(entries, key=lambda entry: entry.name)
        fingerprint = hash(tuple([entry[:4] for entry in in_order]))
        repetitions, by_chance = above.count(fingerprint), _chance_repetitions(in_order)
        if repetitions > by_chance:
            return _Listed(ListedDirectory(path, ListingStatus.FAILED, _CIRCLE))
        if repetitions and by_chance < math.inf and status is ListingStatus.COMPLETE:
            listed.status, listed.error = ListingStatus.UNPROVEN, _CIRCLE
        names = self._sort(in_order, listed)
        above = (*above, fingerprint)
        children = [_Pending(join(path, name), depth + 1, above) for name in names]
        return _Listed(listed, children, entries)

    def _sort(self, entries: Iterable[Entry], listed: ListedDirectory) -> list[str]:
        """Put entries where they belong; return the names of directories, each once."""
        directories: dict[str, None] = {}
        previous = None
        for entry in entries:
            if any(pattern.search(join(listed.path, entry.name)) for pattern in self._exclude):
                continue
            checked = _checked(entry)
            if checked.kind is EntryKind.DIRECTORY:
                directories[checked.name] = None
            elif checked.kind is not EntryKind.FILE:
                listed.unreadable.append(checked)
            elif checked.name != previous:
                # Some drives hold a name twice; one path can lead to one of them only.
                listed.files.append(checked)
                previous = checked.name
        return list(directories)


def _chance_repetitions(entries: Sequence[Entry]) -> float:
    """Return how often folders that hold the same may be nested without being a circle.

    Times that differ are hardly the same twice. Folders made at one time are, where their names
    are only numbers; and names alone say nothing.
    """
    times = {entry.modified_at for entry in entries} - {None}
    if len(times) > 1 or any(entry.size and entry.modified_at for entry in entries):
        return 0
    return 2 if times else math.inf


def _checked(entry: Entry) -> Entry:
    """Refuse names by which a broken or hostile server could lead out of the output."""
    if entry.name in ("", ".", "..") or "/" in entry.name or "\0" in entry.name:
        return Entry(repr(entry.name), EntryKind.UNREADABLE, error="it is not a file name")
    return entry
