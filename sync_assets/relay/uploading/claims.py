"""Let one upload at a time look at a name and take it."""

import threading
from collections.abc import Generator
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
            name: The name, with its remote. Names that differ in case count as the same, as they
                do for some storages.
        """
        key = name.casefold()
        with self._changed:
            self._changed.wait_for(lambda: key not in self._claimed)
            self._claimed.add(key)
        try:
            yield
        finally:
            with self._changed:
                self._claimed.discard(key)
                self._changed.notify_all()
