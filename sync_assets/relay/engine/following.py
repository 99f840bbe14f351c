"""Read large files while aria2 writes them, so that little is left to be read at their end."""

import logging
import threading
from contextlib import suppress
from pathlib import Path

from sync_assets.relay.growing_file import GrowingFile

_PAUSE_SECONDS = 0.05
_BYTES_PER_TURN = 16 * 1024 * 1024

_logger = logging.getLogger(__name__)


class Follower:
    """Follows files in one thread, which begins with the first of them."""

    def __init__(self) -> None:
        self._files: dict[Path, GrowingFile] = {}
        self._lock = threading.Lock()
        self._is_closed = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, path: Path) -> None:
        """Follow a file from now on, if it is there and is not followed yet.

        Args:
            path: The file.
        """
        if path in self._files:
            return
        # It is read at its end, like a small one.
        with suppress(OSError):
            self._files[path] = GrowingFile(path)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="relay-follow", daemon=True)
            self._thread.start()

    def take(self, path: Path) -> GrowingFile | None:
        """Follow a file no more; return it as far as it was read, to be closed by the caller.

        Args:
            path: The file.

        Returns:
            It; None where it was not followed.
        """
        with self._lock:
            return self._files.pop(path, None)

    def close(self) -> None:
        """Follow nothing any more."""
        self._is_closed.set()
        if self._thread is not None:
            self._thread.join()
        for file in self._files.values():
            file.close()

    def _run(self) -> None:
        while not self._is_closed.is_set():
            read_bytes = sum(self._read_on(path) for path in list(self._files))
            if not read_bytes:
                self._is_closed.wait(_PAUSE_SECONDS)

    def _read_on(self, path: Path) -> int:
        # Held while it reads: whoever takes the file reads on from there.
        with self._lock:
            file = self._files.get(path)
            if file is None:
                return 0
            try:
                read_bytes = file.follow(_BYTES_PER_TURN)
                if read_bytes or file.is_at(path):
                    return read_bytes
            except OSError as error:
                _logger.warning("%s is read at its end: %s", path, error.strerror)
            # Its space is free only when nobody has it open any more.
            del self._files[path]
            file.close()
            return 0
