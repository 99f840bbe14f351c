"""Files that are written piece by piece, and take their places when they are whole."""

import os

from sync_assets.strm.models import new_digest
from sync_assets.strm.output.directory import TEMPORARY_NAME, OutputDirectory, write_all


def begin_file(directory: OutputDirectory, number: int) -> "NewFile":
    """Begin a file.

    Args:
        directory: Where it will be.
        number: Different from that of every other file that is being written in the output.

    Raises:
        OSError: It cannot be begun.
    """
    name = f"{TEMPORARY_NAME}-{number}"
    descriptor = directory.begin(name)
    return NewFile(directory.duplicate(), descriptor, name)


class NewFile:
    """A file that is being written: it takes its place whole, or not at all.

    It holds descriptors: `place` or `discard` it in any case.

    Args:
        directory: Its directory, which becomes this object's own.
        descriptor: A descriptor of the file, likewise.
        temporary_name: What it is called until it takes its place.
    """

    def __init__(self, directory: OutputDirectory, descriptor: int, temporary_name: str) -> None:
        self.directory = directory
        self._descriptor = descriptor
        self._temporary_name = temporary_name
        self._digest = new_digest()
        self.size = 0

    @property
    def digest(self) -> str:
        """The digest of what was written so far."""
        return self._digest.hexdigest()

    def write(self, content: bytes) -> None:
        """Append to it.

        Raises:
            OSError: The disk is full, for instance.
        """
        write_all(self._descriptor, content)
        self._digest.update(content)
        self.size += len(content)

    def restart(self) -> None:
        """Empty it, to write it anew."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.ftruncate(self._descriptor, 0)
        self._digest = new_digest()
        self.size = 0

    def place(self, name: str, *, modified_at: float | None) -> None:
        """Put it in its place. A symbolic link of this name is replaced.

        Args:
            name: What it is called from now on, in its directory.
            modified_at: The time of change that it gets, in seconds since the epoch; None leaves
                the time of writing.

        Raises:
            OSError: It cannot be put there; what was there stays.
        """
        try:
            if modified_at is not None:
                os.utime(self._descriptor, (modified_at, modified_at))
            self.directory.move(self._temporary_name, self.directory, name)
        except OSError:
            self.discard()
            raise
        self._close()

    def discard(self) -> None:
        """Remove what was written."""
        self.directory.delete(self._temporary_name)
        self._close()

    def _close(self) -> None:
        os.close(self._descriptor)
        self.directory.close()
