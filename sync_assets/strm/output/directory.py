"""One open directory of an output: looking into it, writing and deleting its files.

Names are plain names, never paths, and links are not followed. Plain `os` calls, because `pathlib`
and `tempfile` cost five times as much on this path.
"""

import errno
import os
import stat
from contextlib import suppress

from sync_assets.strm.models import new_digest

TEMPORARY_NAME = ".strm-writing"
"""A fixed short name: one run at a time holds the job's lease, and a long media name plus a
suffix would not fit in 255 bytes. A file that is written while others are has a number behind."""

MAXIMUM_CONTENT_BYTES = 65_536
"""No link is longer; what is longer was not written here."""

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK_BYTES = 262_144


class OutputDirectory:
    """One open directory of the output. Names are plain names, never paths."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def names(self) -> set[str]:
        """Return the names in it; a file left half-written by a crash is removed first."""
        names = set(os.listdir(self._descriptor))
        for name in [name for name in names if _is_temporary(name)]:
            os.unlink(name, dir_fd=self._descriptor)
            names.remove(name)
        return names

    def size(self, name: str) -> int | None:
        """Return the size of a regular file in bytes; None where it is none."""
        try:
            status = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
        except OSError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the beginning of a file.

        Args:
            name: The file.
            limit: The most bytes to read.

        Returns:
            Its content; None where it is not a regular file that can be read.
        """
        try:
            descriptor = os.open(name, _FILE, dir_fd=self._descriptor)
        except OSError:
            return None
        try:
            return os.read(descriptor, limit)
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def digest(self, name: str) -> str | None:
        """Return the digest of a whole file; None where it is not a regular file, or unreadable."""
        try:
            descriptor = os.open(name, _FILE, dir_fd=self._descriptor)
        except OSError:
            return None
        digest = new_digest()
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            while chunk := os.read(descriptor, _CHUNK_BYTES):
                digest.update(chunk)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return digest.hexdigest()

    def begin(self, name: str) -> int:
        """Make a file that is not there yet, and return a descriptor to write it.

        Raises:
            OSError: It cannot be made.
        """
        return os.open(name, _NEW_FILE, 0o644, dir_fd=self._descriptor)

    def duplicate(self) -> "OutputDirectory":
        """Open the directory once more, to be closed by the caller."""
        return OutputDirectory(os.dup(self._descriptor))

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)

    def write(self, name: str, content: bytes) -> None:
        """Write a file: whole, or not at all. A symbolic link of this name is replaced.

        Raises:
            OSError: It cannot be written; what was there stays.
        """
        descriptor = self.begin(TEMPORARY_NAME)
        try:
            try:
                write_all(descriptor, content)
            finally:
                os.close(descriptor)
            os.replace(
                TEMPORARY_NAME, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor
            )
        except OSError:
            with suppress(FileNotFoundError):
                os.unlink(TEMPORARY_NAME, dir_fd=self._descriptor)
            raise

    def delete(self, name: str) -> None:
        """Delete a regular file; one that is gone already is no error.

        Raises:
            OSError: It is something else now, or may not be deleted.
        """
        try:
            mode = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False).st_mode
            if not stat.S_ISREG(mode):
                raise OSError(errno.EINVAL, "it is no longer a regular file", name)
            os.unlink(name, dir_fd=self._descriptor)
        except FileNotFoundError:
            return

    def holds(self, name: str) -> bool:
        """Tell whether there is anything of this name, also a link that leads nowhere."""
        return self._mode(name) is not None

    def holds_directory(self, name: str) -> bool:
        """Tell whether there is a directory of this name, and not a link to one."""
        mode = self._mode(name)
        return mode is not None and stat.S_ISDIR(mode)

    def move(self, name: str, target: "OutputDirectory", new_name: str) -> None:
        """Move an entry to another open directory, in the place of a file that is there.

        Raises:
            OSError: It cannot be moved, such as into itself.
        """
        there = target._descriptor  # noqa: SLF001 - of the same class
        os.rename(name, new_name, src_dir_fd=self._descriptor, dst_dir_fd=there)

    def _mode(self, name: str) -> int | None:
        try:
            return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return None

    def remove_directory(self, name: str) -> None:
        """Remove an empty directory.

        Raises:
            OSError: It is not empty, or not a directory.
        """
        os.rmdir(name, dir_fd=self._descriptor)


def _is_temporary(name: str) -> bool:
    number = name.removeprefix(f"{TEMPORARY_NAME}-")
    return name == TEMPORARY_NAME or (number != name and number.isdecimal())


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of some content.

    Raises:
        OSError: The disk is full, for instance.
    """
    # A short write is how a full disk first shows; the next one raises.
    while content:
        content = content[os.write(descriptor, content) :]
