"""Let one upload at a time look at a name and take it."""

import threading
import unicodedata
from collections.abc import Generator, Sequence
from contextlib import contextmanager


class Claims:
    """The names at remotes that uploads of this worker are about to take."""

    def __init__(self) -> None:
        self._claimed: set[str] = set()
        self._changed = threading.Condition()

    @contextmanager
    def claim(self, name: str) -> Generator[None]:
        """Keep a name to oneself for the length of a block; wait for whoever has it.

        Args:
            name: The name, with its remote. Names that differ in case, or in how Unicode writes
                them, count as the same, as they do for some storages.
        """
        key = _key(name)
        with self._changed:
            self._changed.wait_for(lambda: key not in self._claimed)
            self._claimed.add(key)
        try:
            yield
        finally:
            with self._changed:
                self._claimed.discard(key)
                self._changed.notify_all()

    @contextmanager
    def claim_free(self, names: Sequence[str]) -> Generator[Sequence[bool]]:
        """Keep those of several names to oneself that nobody has, without waiting for any.

        Args:
            names: The names, with their remote.

        Yields:
            Whether one has each: of equal names the first one at most.
        """
        own = []
        with self._changed:
            has = []
            for key in map(_key, names):
                has.append(key not in self._claimed)
                if has[-1]:
                    self._claimed.add(key)
                    own.append(key)
        try:
            yield has
        finally:
            with self._changed:
                self._claimed.difference_update(own)
                self._changed.notify_all()


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
