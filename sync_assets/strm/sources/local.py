"""Media in a folder of this machine: a disk, or a drive that is mounted."""

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sync_assets.strm.models import Entry, EntryKind
from sync_assets.strm.sources.protocol import (
    DirectoryUnavailableError,
    FileStream,
    FileUnavailableError,
    SourceUnavailableError,
)

# A mount that went away answers with one of these for every path below it.
_MOUNT_IS_GONE = frozenset({errno.ENOTCONN, errno.ESTALE, errno.ENODEV, errno.EIO, errno.EHOSTDOWN})


class LocalSource:
    """A folder. Symbolic links are followed; one that leads back to its own parents is not.

    Args:
        root: The folder.
    """

    connections = 1
    requests = 0
    link_root: str | None = None

    def __init__(self, root: Path) -> None:
        self._root = os.fspath(root)

    def close(self) -> None:
        """Nothing is kept open."""

    def check(self) -> None:
        """Make sure that the folder is there."""
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

    def list_directory(self, path: str) -> list[Entry]:
        """List one directory."""
        full_path = f"{self._root}/{path}" if path else self._root
        try:
            self._refuse_cycle(path)
            with os.scandir(full_path) as entries:
                return [_entry(entry) for entry in entries]
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
