"""A file that is read from its beginning to its end, perhaps while it is still being written."""

import hashlib
import os
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sync_assets.relay.verified_files import Fingerprint

_BLOCK_BYTES = 256 * 1024
HEAD_BYTES = 4_096
"""How much of a file tells what it is."""
_SMALL_BYTES = 8 * 1024 * 1024
# Not each block: bringing it to the disk may take as long as a turn of the disk.
_FLUSHED_BYTES = 64 * 1024 * 1024


class GrowingFile:
    """Computes the SHA-256 of a file bit by bit, each byte read once, and brings it to the disk.

    Whoever writes it must do so from its beginning to its end.

    Args:
        path: The file.

    Attributes:
        head: Its first bytes, up to 4 KiB, as far as they were read.
        read_bytes: How much of it was read.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._digest = hashlib.sha256()
        # One that stays: new memory for each block takes as long as its checksum.
        self._block = memoryview(bytearray(_BLOCK_BYTES))
        self._flushed_bytes = 0
        self.head = b""
        self.read_bytes = 0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of it."""
        self._file.close()

    def fingerprint(self) -> Fingerprint:
        """Return what tells whether it was changed.

        Raises:
            OSError: The file system does not tell.
        """
        return Fingerprint.of(os.fstat(self._file.fileno()))

    def is_at(self, path: Path) -> bool:
        """Tell whether it is the file at a path, and as long as what was read of it.

        Args:
            path: The path.
        """
        found, own = Fingerprint.at(path), self.fingerprint()
        if found is None or found.size_bytes < self.read_bytes:
            return False
        return (found.device, found.inode) == (own.device, own.inode)

    def read_on(self, most_bytes: int) -> int:
        """Read on, and bring what was read to the disk now and then.

        Args:
            most_bytes: How much at most, about.

        Returns:
            How much; 0 where nothing has come since.

        Raises:
            OSError: It cannot be read or written.
        """
        begun_at = self.read_bytes
        while self.read_bytes - begun_at < most_bytes and self._read_block():
            pass
        if self.read_bytes - self._flushed_bytes >= _FLUSHED_BYTES:
            os.fsync(self._file.fileno())
            self._flushed_bytes = self.read_bytes
        return self.read_bytes - begun_at

    def finish(self) -> str:
        """Read the rest, and bring all of it to the disk.

        Returns:
            The SHA-256 in lower-case hexadecimal.

        Raises:
            OSError: It cannot be read or written.
        """
        with self._being_flushed():
            while self._read_block():
                pass
        return self._digest.hexdigest()

    def _read_block(self) -> int:
        length = self._file.readinto(self._block)
        if len(self.head) < HEAD_BYTES:
            self.head += bytes(self._block[: min(length, HEAD_BYTES - len(self.head))])
        self._digest.update(self._block[:length])
        self.read_bytes += length
        return length

    @contextmanager
    def _being_flushed(self) -> Generator[None]:
        """Bring it to the disk while a block of code reads it; a small one after that."""
        if self.fingerprint().size_bytes - self.read_bytes <= _SMALL_BYTES:
            yield
            os.fsync(self._file.fileno())
            return
        with ThreadPoolExecutor(1, "flush") as thread:
            flushed = thread.submit(os.fsync, self._file.fileno())
            yield
            flushed.result()
