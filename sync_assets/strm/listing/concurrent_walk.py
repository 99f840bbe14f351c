"""Walk a tree with several threads: each lists a directory, and finds there what to list next.

What a directory is, and what to do with what was listed, is for the caller to say.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from sync_assets.turns import quick_turns

MOST_ENTRIES_AHEAD = 5_000


class Found(Protocol):
    """What listing a directory gave."""

    @property
    def children(self) -> Sequence:
        """The directories in it."""
        ...

    @property
    def weight(self) -> int:
        """How many entries it takes to hold it."""
        ...


_Directory = TypeVar("_Directory")
_Found = TypeVar("_Found", bound=Found)


class ConcurrentWalk(Generic[_Directory, _Found]):
    """Lists directories depth first, ahead of a caller that may be slow.

    Threads need no word from the caller to go on: a drive that answers slowly is never left idle
    while files are written. They pause when too much waits for the caller.

    Args:
        list_one: Lists one directory; called from several threads.
        pending: The directories to begin with; the last one comes first.
        threads: How many directories to list at a time.
    """

    def __init__(
        self,
        list_one: Callable[[_Directory], _Found],
        pending: Sequence[_Directory],
        *,
        threads: int,
    ) -> None:
        self._list_one = list_one
        self._threads = threads
        self._pending = list(pending)
        self._ready: deque[_Found] = deque()
        self._entries_ready = 0
        self._active = 0
        self._is_stopped = False
        lock = threading.Lock()
        self._work = threading.Condition(lock)
        self._results = threading.Condition(lock)

    def __iter__(self) -> Iterator[_Found]:
        """List everything, once.

        Yields:
            What was found, parents before their children.

        Raises:
            Exception: What `list_one` has raised, after all that was found before.
        """
        with quick_turns(), ThreadPoolExecutor(self._threads, "strm-listing") as executor:
            workers = [executor.submit(self._run) for _ in range(self._threads)]
            try:
                while (found := self._next()) is not None:
                    yield found
            finally:
                self._stop()
            for worker in workers:
                worker.result()

    def _run(self) -> None:
        for directory in iter(self._take, None):
            found = None
            try:
                found = self._list_one(directory)
            finally:
                self._put(found)

    def _take(self) -> _Directory | None:
        """Return the next directory to list; None where there is and will be none."""
        with self._work:
            while not self._is_over():
                if self._pending and self._entries_ready < MOST_ENTRIES_AHEAD:
                    self._active += 1
                    return self._pending.pop()
                self._work.wait()
            return None

    def _put(self, found: _Found | None) -> None:
        """Pass on what was found; None where listing has failed, which ends the walk."""
        with self._work:
            self._active -= 1
            if found is None:
                self._is_stopped = True
            else:
                self._pending.extend(reversed(found.children))
                self._ready.append(found)
                self._entries_ready += found.weight
                self._work.notify(len(found.children))
            if self._is_over():
                self._work.notify_all()
            self._results.notify()

    def _next(self) -> _Found | None:
        """Return what was found next; None at the end."""
        with self._results:
            while not self._ready:
                if self._is_over():
                    return None
                self._results.wait()
            found = self._ready.popleft()
            if self._entries_ready >= MOST_ENTRIES_AHEAD:
                self._work.notify_all()
            self._entries_ready -= found.weight
            return found

    def _is_over(self) -> bool:
        return self._is_stopped or not (self._pending or self._active)

    def _stop(self) -> None:
        with self._work:
            self._is_stopped = True
            self._work.notify_all()
