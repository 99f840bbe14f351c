"""Walk a source: every directory once, with a status that says whether its listing is whole.

Nothing here knows what the listing is for, and nothing here writes.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import NamedTuple

from sync_assets.strm.models import Entry, EntryKind, ListedDirectory, ListingStatus, join
from sync_assets.strm.sources import DirectoryUnavailableError, Source, UnprovenListingError

_CIRCLE = "it holds exactly what a folder above it holds: the source may lead in a circle"


def scan(
    source: Source, *, exclude: Sequence[str], maximum_depth: int, start: str = ""
) -> Iterator[ListedDirectory]:
    """List a source from its root, or from a directory below it.

    Args:
        source: Where to look.
        exclude: Regular expressions; an entry whose path matches one is left out, and a
            directory with all that is below it.
        maximum_depth: The deepest level that is listed; the root is level 0. A directory below
            it is returned as truncated.
        start: The directory to begin with; empty for the root.

    Yields:
        Every directory; parents before their children, in no other order.

    Raises:
        SourceUnavailableError: The source is not there, or went away during the scan.
    """
    source.check()
    scanner = _scanner(source, exclude, maximum_depth)
    if source.connections == 1:
        return scanner.walk(start)
    return scanner.walk_concurrently(start)


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
    listed, children = scanner.list_one(_Pending(path, _depth(path)))
    return listed, [child.path for child in children]


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


Children = list[_Pending]


class _Scanner:
    def __init__(
        self, source: Source, exclude: Sequence[re.Pattern[str]], maximum_depth: int
    ) -> None:
        self._source = source
        self._exclude = exclude
        self._maximum_depth = maximum_depth

    def walk(self, start: str) -> Iterator[ListedDirectory]:
        """List one directory after the other, in the caller's thread."""
        pending = [_Pending(start, _depth(start))]
        while pending:
            listed, children = self.list_one(pending.pop())
            yield listed
            pending.extend(reversed(children))

    def walk_concurrently(self, start: str) -> Iterator[ListedDirectory]:
        """List as many directories at a time as the source allows.

        Depth first, and few listings ahead of the caller: what waits stays small however large
        the source is.
        """
        most_ahead = 2 * self._source.connections
        finished: SimpleQueue[Future[tuple[ListedDirectory, Children]]] = SimpleQueue()
        pending = [_Pending(start, _depth(start))]
        running = 0
        with ThreadPoolExecutor(self._source.connections, "strm-listing") as executor:
            try:
                while pending or running:
                    while pending and running < most_ahead:
                        executor.submit(self.list_one, pending.pop()).add_done_callback(
                            finished.put
                        )
                        running += 1
                    listed, children = finished.get().result()
                    running -= 1
                    pending.extend(reversed(children))
                    yield listed
            finally:
                executor.shutdown(cancel_futures=True)

    def list_one(self, pending: _Pending) -> tuple[ListedDirectory, "Children"]:
        """List one directory, and name those in it."""
        path, depth, above = pending
        if depth > self._maximum_depth:
            error = f"deeper than level {self._maximum_depth}, which is the deepest listed"
            return ListedDirectory(path, ListingStatus.TRUNCATED, error), []
        listed = ListedDirectory(path, ListingStatus.COMPLETE)
        try:
            entries: Sequence[Entry] = self._source.list_directory(path)
        except DirectoryUnavailableError as error:
            is_unproven = isinstance(error, UnprovenListingError)
            listed.status = ListingStatus.UNPROVEN if is_unproven else ListingStatus.FAILED
            listed.error = error.message
            entries = error.seen
        entries = sorted(entries, key=lambda entry: entry.name)
        fingerprint = hash(tuple([entry[:4] for entry in entries]))
        repetitions, by_chance = above.count(fingerprint), _chance_repetitions(entries)
        if repetitions > by_chance:
            return ListedDirectory(path, ListingStatus.FAILED, _CIRCLE), []
        if repetitions and by_chance < math.inf and listed.status is ListingStatus.COMPLETE:
            listed.status, listed.error = ListingStatus.UNPROVEN, _CIRCLE
        names = self._sort(entries, listed)
        above = (*above, fingerprint)
        return listed, [_Pending(join(path, name), depth + 1, above) for name in names]

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
