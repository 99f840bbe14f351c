"""Walk a source: every directory once, with a status that says whether its listing is whole.

Nothing here knows what the listing is for, and nothing here writes.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from sync_assets.strm.models import Entry, EntryKind, ListedDirectory, ListingStatus, join
from sync_assets.strm.sources import DirectoryUnavailableError, Source


def scan(
    source: Source, *, exclude: Sequence[str], maximum_depth: int
) -> Iterator[ListedDirectory]:
    """List a source from its root.

    Args:
        source: Where to look.
        exclude: Regular expressions; an entry whose path matches one is left out, and a
            directory with all that is below it.
        maximum_depth: The deepest level that is listed; the root is level 0. A directory below
            it is returned as truncated.

    Yields:
        Every directory; parents before their children, in no other order.

    Raises:
        SourceUnavailableError: The source is not there, or went away during the scan.
    """
    source.check()
    scanner = _Scanner(source, [re.compile(pattern) for pattern in exclude], maximum_depth)
    if source.connections == 1:
        return scanner.walk()
    return scanner.walk_concurrently()


class _Scanner:
    def __init__(
        self, source: Source, exclude: Sequence[re.Pattern[str]], maximum_depth: int
    ) -> None:
        self._source = source
        self._exclude = exclude
        self._maximum_depth = maximum_depth

    def walk(self) -> Iterator[ListedDirectory]:
        """List one directory after the other, in the caller's thread."""
        pending = [("", 0)]
        while pending:
            path, depth = pending.pop()
            listed, children = self._list(path, depth)
            yield listed
            pending.extend((child, depth + 1) for child in reversed(children))

    def walk_concurrently(self) -> Iterator[ListedDirectory]:
        """List as many directories at a time as the source allows."""
        with ThreadPoolExecutor(self._source.connections, "strm-listing") as executor:
            running: dict[Future[tuple[ListedDirectory, list[str]]], int] = {
                executor.submit(self._list, "", 0): 0
            }
            try:
                while running:
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        depth = running.pop(future) + 1
                        listed, children = future.result()
                        for child in children:
                            running[executor.submit(self._list, child, depth)] = depth
                        yield listed
            finally:
                executor.shutdown(cancel_futures=True)

    def _list(self, path: str, depth: int) -> tuple[ListedDirectory, list[str]]:
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
