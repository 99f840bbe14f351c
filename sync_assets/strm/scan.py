"""Walk a source: every directory once, with a status that says whether its listing is whole.

Nothing here knows what the listing is for, and nothing here writes.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from sync_assets.strm.models import Entry, EntryKind, ListedDirectory, ListingStatus, join
from sync_assets.strm.sources import DirectoryUnavailableError, Source


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
    return _scanner(source, exclude, maximum_depth).list(path, _depth(path))


def _scanner(source: Source, exclude: Sequence[str], maximum_depth: int) -> "_Scanner":
    return _Scanner(source, [re.compile(pattern) for pattern in exclude], maximum_depth)


def _depth(path: str) -> int:
    return path.count("/") + 1 if path else 0


class _Scanner:
    def __init__(
        self, source: Source, exclude: Sequence[re.Pattern[str]], maximum_depth: int
    ) -> None:
        self._source = source
        self._exclude = exclude
        self._maximum_depth = maximum_depth

    def walk(self, start: str) -> Iterator[ListedDirectory]:
        """List one directory after the other, in the caller's thread."""
        pending = [(start, _depth(start))]
        while pending:
            path, depth = pending.pop()
            listed, children = self.list(path, depth)
            yield listed
            pending.extend((child, depth + 1) for child in reversed(children))

    def walk_concurrently(self, start: str) -> Iterator[ListedDirectory]:
        """List as many directories at a time as the source allows."""
        with ThreadPoolExecutor(self._source.connections, "strm-listing") as executor:
            running: dict[Future[tuple[ListedDirectory, list[str]]], int] = {
                executor.submit(self.list, start, _depth(start)): _depth(start)
            }
            try:
                while running:
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        depth = running.pop(future) + 1
                        listed, children = future.result()
                        for child in children:
                            running[executor.submit(self.list, child, depth)] = depth
                        yield listed
            finally:
                executor.shutdown(cancel_futures=True)

    def list(self, path: str, depth: int) -> tuple[ListedDirectory, list[str]]:
        """List one directory, and name those in it."""
        if depth > self._maximum_depth:
            error = f"deeper than level {self._maximum_depth}, which is the deepest listed"
            return ListedDirectory(path, ListingStatus.TRUNCATED, error), []
        try:
            entries = self._source.list_directory(path)
        except DirectoryUnavailableError as error:
            return ListedDirectory(path, ListingStatus.FAILED, error.message), []
        listed = ListedDirectory(path, ListingStatus.COMPLETE)
        children = []
        for entry in sorted(entries, key=lambda entry: entry.name):
            entry_path = join(path, entry.name)
            if any(pattern.search(entry_path) for pattern in self._exclude):
                continue
            checked = _checked(entry)
            if checked.kind is EntryKind.DIRECTORY:
                children.append(entry_path)
            elif checked.kind is EntryKind.FILE:
                listed.files.append(checked)
            else:
                listed.unreadable.append(checked)
        return listed, children


def _checked(entry: Entry) -> Entry:
    """Refuse names by which a broken or hostile server could lead out of the output."""
    if entry.name in ("", ".", "..") or "/" in entry.name or "\0" in entry.name:
        return Entry(repr(entry.name), EntryKind.UNREADABLE, error="it is not a file name")
    return entry
