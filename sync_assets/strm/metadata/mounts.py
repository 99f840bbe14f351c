"""Read files of a mounted folder without ever being held up by it.

A thread that reads from a network mount that hangs cannot be stopped. So such reads are done by
threads of their own, which are left behind when nothing comes in time; they write to nothing, and
when too many have been left behind, the folder is not asked again.
"""

import queue
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from sync_assets.strm.sources import FileStream, FileUnavailableError
from sync_assets.strm.sources.local import LocalSource

MAXIMUM_ABANDONED = 4
"""With so many reads that have not come back, a folder counts as hanging."""

_CHUNK_BYTES = 262_144
_REMEDY = "Look at the mount: what reads from it hangs. What the library has stays as it is."


class MountReader:
    """Reads files of one folder.

    Args:
        root: The folder.
        timeout_seconds: How long a read may stand still.
    """

    def __init__(self, root: Path, timeout_seconds: float) -> None:
        self._root = root
        self._source = LocalSource(root)
        self._timeout = timeout_seconds
        self._lock = threading.Lock()
        self._abandoned = 0

    @contextmanager
    def open_file(self, path: str) -> Generator[FileStream]:
        """Open a file; from any thread.

        Args:
            path: Relative to the folder.

        Yields:
            Its content.

        Raises:
            FileUnavailableError: It cannot be read, or nothing came in time.
        """
        if self._abandoned >= MAXIMUM_ABANDONED:
            raise FileUnavailableError(
                f"{self._root} hangs: {self._abandoned} reads from it have not come back",
                remedy=_REMEDY,
            )
        channel = _Channel(f"{self._root}/{path}", self._timeout)
        reader = threading.Thread(target=self._produce, args=(path, channel), daemon=True)
        reader.start()
        try:
            channel.size = channel.receive_size()
            yield channel
        finally:
            with self._lock:
                self._abandoned += channel.close()

    def _produce(self, path: str, channel: "_Channel") -> None:
        try:
            with self._source.open_file(path) as stream:
                channel.send(stream.size)
                while channel.send(stream.read(_CHUNK_BYTES)):
                    pass
        except Exception as error:  # noqa: BLE001 - it is raised again where it is waited for
            channel.send(error)
        if channel.ended():
            with self._lock:
                self._abandoned -= 1


class _Channel:
    """What a reading thread hands over to the one that waits; a `FileStream`.

    Args:
        path: The file, for messages.
        timeout_seconds: How long to wait for the next piece.
    """

    content_type: str | None = None

    def __init__(self, path: str, timeout_seconds: float) -> None:
        self.size: int | None = None
        self._path = path
        self._timeout = timeout_seconds
        self._queue: queue.Queue[bytes | int | Exception | None] = queue.Queue(maxsize=2)
        self._lock = threading.Lock()
        self._is_closed = False
        self._timed_out = False
        self._is_left_behind = False
        self._has_ended = False

    def send(self, piece: bytes | int | Exception | None) -> bool:
        """Hand over a piece; tell whether more is wanted. Called by the reading thread."""
        if not self._is_closed:
            self._queue.put(piece)
        return piece != b"" and not self._is_closed

    def ended(self) -> bool:
        """Note that the reading thread ends; tell whether it was left behind."""
        with self._lock:
            self._has_ended = True
            return self._is_left_behind

    def receive_size(self) -> int | None:
        """Return the file's size, which comes first."""
        size = self._receive()
        return size if isinstance(size, int) else None

    def read(self, limit: int) -> bytes:
        """Return the next piece, however large; see `FileStream`."""
        del limit
        piece = self._receive()
        return piece if isinstance(piece, bytes) else b""

    def close(self) -> bool:
        """Want no more; tell whether the reading thread is left behind."""
        with self._lock:
            self._is_closed = True
            self._is_left_behind = self._timed_out and not self._has_ended
        # Room for a piece that the reading thread is about to hand over: it must not wait for ever.
        with suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        return self._is_left_behind

    def _receive(self) -> bytes | int | None:
        try:
            piece = self._queue.get(timeout=self._timeout)
        except queue.Empty:
            self._timed_out = True
            raise FileUnavailableError(
                f"{self._path}: nothing came for {self._timeout:g} seconds", remedy=_REMEDY
            ) from None
        if isinstance(piece, Exception):
            raise piece
        return piece
