"""Read large files while aria2 writes them, so that little is left to be read at their end."""

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sync_assets.relay.growing_file import GrowingFile

_PAUSE_SECONDS = 0.05
_BYTES_PER_TURN = 16 * 1024 * 1024
# One that is paused or put off need not be kept open until it goes on.
_KEPT_SECONDS = 60.0

_logger = logging.getLogger(__name__)


@dataclass
class _ReadAlong:
    file: GrowingFile
    wanted_at: float
    error: OSError | None = None


class GrowingFiles:
    """Reads files along in one thread, which begins with the first of them."""

    def __init__(self) -> None:
        self._files: dict[Path, _ReadAlong] = {}
        self._lock = threading.Lock()
        self._is_closed = threading.Event()
        self._thread: threading.Thread | None = None

    def read_along(self, path: Path) -> None:
        """Read what comes of a file, if it is there; to be called again and again meanwhile.

        Args:
            path: The file.
        """
        found = self._files.get(path)
        if found is not None:
            found.wanted_at = time.monotonic()
            return
        # It is read at its end, like a small one.
        with suppress(OSError):
            self._files[path] = _ReadAlong(GrowingFile(path), time.monotonic())
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="relay-read", daemon=True)
            self._thread.start()

    def take(self, path: Path) -> GrowingFile | None:
        """Return a file as far as it was read, to be closed by the caller; read it along no more.

        Args:
            path: The file.

        Returns:
            It; None where it was not read along, or is another one by now.

        Raises:
            OSError: It could not be read, or not be brought to the disk. Whoever opens it anew is
                not told that by Linux, and would take it for one that is on the disk.
        """
        with self._lock:
            found = self._files.pop(path, None)
        if found is None:
            return None
        if found.error is None:
            return found.file
        with found.file as file:
            if file.is_at(path):
                raise found.error
        return None

    def close(self) -> None:
        """Read nothing along any more."""
        self._is_closed.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            for found in self._files.values():
                found.file.close()
            self._files.clear()

    def _run(self) -> None:
        while not self._is_closed.is_set():
            read_bytes = sum(self._read_on(path) for path in list(self._files))
            if not read_bytes:
                self._is_closed.wait(_PAUSE_SECONDS)

    def _read_on(self, path: Path) -> int:
        # Held while it reads: whoever takes the file reads on from there.
        with self._lock:
            found = self._files.get(path)
            if found is None:
                return 0
            read_bytes = self._read(path, found)
            # What went wrong is known until somebody asks.
            is_kept = found.error or time.monotonic() - found.wanted_at < _KEPT_SECONDS
            if not read_bytes and not (is_kept and found.file.is_at(path)):
                # Its space is free only when nobody has it open any more.
                del self._files[path]
                found.file.close()
            return read_bytes

    def _read(self, path: Path, found: _ReadAlong) -> int:
        if found.error is not None:
            return 0
        try:
            return found.file.read_on(_BYTES_PER_TURN)
        except OSError as error:
            _logger.warning("%s cannot be read or kept: %s", path, error.strerror)
            found.error = error
            return 0
