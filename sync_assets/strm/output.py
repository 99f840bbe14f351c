"""The output of a job: the only code that writes files there or deletes them.

Every path is walked from the root's descriptor, segment by segment, without following symbolic
links: nothing outside the root is ever touched, whatever stands in the tree or in a name. Plain
`os` calls, because `pathlib` and `tempfile` cost five times as much on this path.
"""

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from sync_assets.errors import SyncError
from sync_assets.strm.models import new_digest

TEMPORARY_NAME = ".strm-writing"
"""A fixed short name: one run at a time holds the job's lease, and a long media name plus a
suffix would not fit in 255 bytes. A file that is written while others are has a number behind."""

MAXIMUM_CONTENT_BYTES = 65_536
"""No link is longer; what is longer was not written here."""

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK_BYTES = 262_144
_OUT_OF_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
_READ_ONLY = frozenset({errno.EROFS})


class OutputUnavailableError(SyncError):
    """The output as a whole cannot be written: no item can succeed."""


class Output:
    """The output root of a job, opened once.

    Args:
        root: The folder; made where it is missing.

    Raises:
        OutputUnavailableError: It cannot be made or opened.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            writable = os.access(root, os.W_OK | os.X_OK)
        except OSError as error:
            raise OutputUnavailableError(
                f"The output folder {root} cannot be used: {error.strerror}.",
                remedy="Make it a folder that this user can write, or correct output.",
            ) from error
        if not writable:
            self.close()
            raise OutputUnavailableError(
                f"The output folder {root} is not writable.",
                remedy="Give this user write permission, or correct output.",
            )

    def close(self) -> None:
        """Close the root."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def directory(self, path: str, *, create: bool) -> Generator["OutputDirectory | None"]:
        """Open a directory of the output.

        Args:
            path: Relative to the root, segments joined by `/`; empty for the root.
            create: Make it, and its parents, where missing.

        Yields:
            The directory; None where it is missing and not to be made.

        Raises:
            OSError: A segment is a file or a symbolic link, or cannot be entered.
        """
        descriptor = os.dup(self._descriptor)
        try:
            for segment in path.split("/") if path else ():
                child = _open_child(descriptor, segment, create=create)
                if child is None:
                    yield None
                    return
                os.close(descriptor)
                descriptor = child
            yield OutputDirectory(descriptor)
        finally:
            os.close(descriptor)

    def can_move(self, old: str, new: str) -> bool:
        """Tell whether a directory is there and its new place is free.

        Args:
            old: Where it is, relative to the root.
            new: Where it shall be.

        Raises:
            OSError: A segment is a file or a symbolic link, or cannot be entered.
        """
        old_parent, _, old_name = old.rpartition("/")
        new_parent, _, new_name = new.rpartition("/")
        with (
            self.directory(old_parent, create=False) as source,
            self.directory(new_parent, create=False) as target,
        ):
            return (
                source is not None
                and source.holds_directory(old_name)
                and (target is None or not target.holds(new_name))
            )

    def move_directory(self, old: str, new: str) -> None:
        """Move a directory with all it holds, also what others put there; see `can_move`.

        Args:
            old: Where it is, relative to the root.
            new: Where it shall be; its parents are made.

        Raises:
            OSError: It cannot be moved.
        """
        old_parent, _, old_name = old.rpartition("/")
        new_parent, _, new_name = new.rpartition("/")
        with (
            self.directory(old_parent, create=False) as source,
            self.directory(new_parent, create=True) as target,
        ):
            if source is not None and target is not None:
                source.move(old_name, target, new_name)
        self.prune(old_parent)

    def prune(self, path: str) -> None:
        """Remove a directory and its parents, up to the root, for as long as they are empty."""
        while path:
            parent, _, name = path.rpartition("/")
            try:
                with self.directory(parent, create=False) as directory:
                    if directory is not None:
                        directory.remove_directory(name)
            except OSError:
                return
            path = parent

    def raise_if_unavailable(self, error: OSError) -> None:
        """End the run where an item's error means that no other item can succeed either.

        Args:
            error: What writing one item raised.

        Raises:
            OutputUnavailableError: The disk is full or read-only.
        """
        if error.errno in _OUT_OF_SPACE:
            raise OutputUnavailableError(
                f"The disk of {self.root} is full.",
                remedy="Free space, then run the job again: it goes on where it stopped. "
                "No file was left half-written.",
            ) from error
        if error.errno in _READ_ONLY:
            raise OutputUnavailableError(
                f"The file system of {self.root} is read-only.",
                remedy="Mount it writable; a disk that turned read-only by itself may be failing.",
            ) from error


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

    def new_file(self, number: int) -> "NewFile":
        """Begin a file that is written piece by piece; see `NewFile`.

        Args:
            number: Different from that of every other file that is being written in the output.

        Raises:
            OSError: It cannot be begun.
        """
        name = f"{TEMPORARY_NAME}-{number}"
        descriptor = os.open(name, _NEW_FILE, 0o644, dir_fd=self._descriptor)
        return NewFile(os.dup(self._descriptor), descriptor, name)

    def write(self, name: str, content: bytes) -> None:
        """Write a file: whole, or not at all. A symbolic link of this name is replaced.

        Raises:
            OSError: It cannot be written; what was there stays.
        """
        descriptor = os.open(TEMPORARY_NAME, _NEW_FILE, 0o644, dir_fd=self._descriptor)
        try:
            try:
                _write_all(descriptor, content)
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
        """Move an entry to another open directory.

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


class NewFile:
    """A file that is being written: it takes its place whole, or not at all.

    It holds descriptors: `place` or `discard` it in any case.

    Args:
        directory: A descriptor of its directory, which becomes this object's own.
        descriptor: A descriptor of the file, likewise.
        temporary_name: What it is called until it takes its place.
    """

    def __init__(self, directory: int, descriptor: int, temporary_name: str) -> None:
        self._directory = OutputDirectory(directory)
        self._directory_descriptor = directory
        self._descriptor = descriptor
        self._temporary_name = temporary_name
        self._digest = new_digest()
        self.size = 0

    @property
    def directory(self) -> OutputDirectory:
        """The directory in which it is written."""
        return self._directory

    @property
    def digest(self) -> str:
        """The digest of what was written so far."""
        return self._digest.hexdigest()

    def write(self, content: bytes) -> None:
        """Append to it.

        Raises:
            OSError: The disk is full, for instance.
        """
        _write_all(self._descriptor, content)
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
            os.replace(
                self._temporary_name,
                name,
                src_dir_fd=self._directory_descriptor,
                dst_dir_fd=self._directory_descriptor,
            )
        except OSError:
            self.discard()
            raise
        self._close()

    def discard(self) -> None:
        """Remove what was written."""
        with suppress(FileNotFoundError):
            os.unlink(self._temporary_name, dir_fd=self._directory_descriptor)
        self._close()

    def _close(self) -> None:
        os.close(self._descriptor)
        os.close(self._directory_descriptor)


def _is_temporary(name: str) -> bool:
    number = name.removeprefix(f"{TEMPORARY_NAME}-")
    return name == TEMPORARY_NAME or (number != name and number.isdecimal())


def _write_all(descriptor: int, content: bytes) -> None:
    # A short write is how a full disk first shows; the next one raises.
    while content:
        content = content[os.write(descriptor, content) :]


def _open_child(descriptor: int, name: str, *, create: bool) -> int | None:
    try:
        return os.open(name, _DIRECTORY, dir_fd=descriptor)
    except FileNotFoundError:
        if not create:
            return None
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=descriptor)
    return os.open(name, _DIRECTORY, dir_fd=descriptor)
