"""Media in a folder of this machine: a disk, or a drive that is mounted."""

import errno
import os
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from sync_assets.strm.models import Entry, EntryKind
from sync_assets.strm.sources.mount_points import MountPoints
from sync_assets.strm.sources.patience import GaveUpError, Patience
from sync_assets.strm.sources.protocol import (
    DirectoryUnavailableError,
    FileStream,
    FileUnavailableError,
    SourceUnavailableError,
    UnprovenListingError,
)

_Result = TypeVar("_Result")

# A mount that went away answers with one of these for every path below it.
_MOUNT_IS_GONE = frozenset({errno.ENOTCONN, errno.ESTALE, errno.ENODEV, errno.EIO, errno.EHOSTDOWN})


class LocalSource:
    """A folder. Symbolic links are followed; one that leads back to its own parents is not.

    Args:
        root: The folder.
        mount_points: Remembers where drives are mounted; None where nothing is remembered.
        timeout_seconds: How long one folder may take, before its drive counts as hanging.
    """

    connections = 1
    requests = 0
    link_root: str | None = None

    def __init__(
        self,
        root: Path,
        mount_points: MountPoints | None = None,
        *,
        timeout_seconds: float = 60,
    ) -> None:
        self._root = os.fspath(root)
        self._mount_points = mount_points
        self._timeout_seconds = timeout_seconds
        self._patience = Patience(timeout_seconds)

    def close(self) -> None:
        """Let go of the thread that reads folders."""
        self._patience.close()

    def check(self) -> None:
        """Make sure that the folder is there."""
        self._patiently(self._check)

    def list_directory(self, path: str) -> list[Entry]:
        """List one directory."""
        return self._patiently(partial(self._list, path))

    def _patiently(self, function: Callable[[], _Result]) -> _Result:
        try:
            return self._patience.call(function)
        except GaveUpError as error:
            raise SourceUnavailableError(
                f"The source folder {self._root} does not answer: one folder took longer than "
                f"{self._timeout_seconds:g} seconds.",
                remedy="Look at the mount: what reads from it hangs. Mount it again, or raise "
                "source.timeout_seconds; nothing is deleted meanwhile.",
            ) from error

    def _check(self) -> None:
        try:
            mode = os.stat(self._root).st_mode
        except OSError as error:
            raise SourceUnavailableError(
                f"The source folder {self._root} cannot be read: {error.strerror}.",
                remedy="Mount the drive or correct source.path; nothing was changed.",
            ) from error
        if not stat.S_ISDIR(mode):
            raise SourceUnavailableError(
                f"The source {self._root} is not a folder.", remedy="Correct source.path."
            )

    def _list(self, path: str) -> list[Entry]:
        full_path = f"{self._root}/{path}" if path else self._root
        try:
            self._refuse_cycle(path)
            with os.scandir(full_path) as entries:
                found = [_entry(entry) for entry in entries]
            self._require_mount(full_path, found)
        except OSError as error:
            if error.errno in _MOUNT_IS_GONE:
                raise SourceUnavailableError(
                    f"The source folder {self._root} has gone: {error.strerror} at {path!r}.",
                    remedy="Mount the drive again; nothing is deleted meanwhile.",
                ) from error
            raise DirectoryUnavailableError(
                f"The folder {full_path} cannot be listed: {error.strerror}.",
                remedy="Give this user permission to read and enter it.",
            ) from error
        return found

    def _require_mount(self, full_path: str, found: list[Entry]) -> None:
        """Refuse to believe that a folder lacks anything, when its drive has gone."""
        if self._mount_points is None or not self._mount_points.is_missing(full_path):
            return
        message = f"A drive was mounted on {full_path} once, and none is now."
        remedy = (
            "Mount it again. If it is a plain folder from now on, set source.remember_mounts to "
            "false, or rename the folder."
        )
        if found:
            raise UnprovenListingError(message, remedy=remedy, seen=found)
        raise DirectoryUnavailableError(message, remedy=remedy)

    @contextmanager
    def open_file(self, path: str, *, sign: str | None = None) -> Generator[FileStream]:
        """Open a file; a folder has no signatures. May block for ever on a mount that hangs."""
        del sign
        full_path = f"{self._root}/{path}"
        try:
            # Not to block on a pipe that took the file's place.
            descriptor = os.open(full_path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise _unreadable(full_path, error) from error
        try:
            yield LocalStream(descriptor, full_path)
        finally:
            os.close(descriptor)

    def _refuse_cycle(self, path: str) -> None:
        """Refuse a directory that is one of its own parents, by way of a symbolic link."""
        full_path = f"{self._root}/{path}"
        if not path or not os.path.islink(full_path):
            return
        target = os.path.realpath(full_path)
        parent = os.path.realpath(os.path.dirname(full_path))
        if os.path.commonpath([target, parent]) == target:
            raise DirectoryUnavailableError(
                f"The symbolic link {full_path} leads back to {target}, which contains it.",
                remedy="Remove the link, or exclude it.",
            )


class LocalStream:
    """The content of a file of this machine.

    Args:
        descriptor: The file, open for reading.
        path: Its path, for messages.

    Raises:
        FileUnavailableError: It is not a regular file.
    """

    content_type: str | None = None

    def __init__(self, descriptor: int, path: str) -> None:
        self._descriptor = descriptor
        self._path = path
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileUnavailableError(
                f"{path} is not a file any more.", remedy="The next listing shows what it is."
            )
        self.size: int | None = status.st_size

    def read(self, limit: int) -> bytes:
        """Read on; see `FileStream`."""
        try:
            return os.read(self._descriptor, limit)
        except OSError as error:
            raise _unreadable(self._path, error) from error


def _unreadable(path: str, error: OSError) -> FileUnavailableError:
    return FileUnavailableError(
        f"{path} cannot be read: {error.strerror}.",
        remedy="Look at the disk or the mount, and give this user permission to read the file.",
    )


def _entry(entry: os.DirEntry[str]) -> Entry:
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(entry.name).decode("utf-8", "backslashreplace")
        return Entry(shown, EntryKind.UNREADABLE, error="its name is not UTF-8")
    try:
        if entry.is_dir():
            return Entry(entry.name, EntryKind.DIRECTORY)
        status = entry.stat()
    except OSError as error:
        return Entry(entry.name, EntryKind.UNREADABLE, error=error.strerror or str(error))
    if stat.S_ISREG(status.st_mode):
        return Entry(entry.name, EntryKind.FILE, status.st_size, status.st_mtime)
    return Entry(entry.name, EntryKind.UNREADABLE, error="it is neither a file nor a folder")
