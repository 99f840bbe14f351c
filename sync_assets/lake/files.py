"""Files that appear whole or not at all, and what crashed processes leave behind.

Only bytes and names are handled here; what the files mean is for the other modules.

A temporary file or directory belongs to a live process for as long as somebody holds a lock on
it. The kernel drops the lock with the process, however it dies, so whatever can be locked is an
orphan. Neither age nor process ids are consulted: both lie, on shared disks above all.
"""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from sync_assets.lake.problems import LakeError

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp")

_FREE_SPACE = "Free space on the lake's disk, then run it again."
_MAKE_WRITABLE = "Make the lake's directory writable for this user, or set lake.directory."
_REMEDIES = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: _FREE_SPACE,
    errno.EFBIG: "Raise the file size limit of this process.",
    errno.EROFS: _MAKE_WRITABLE,
    errno.EACCES: _MAKE_WRITABLE,
    errno.EPERM: _MAKE_WRITABLE,
    errno.ENOTDIR: _MAKE_WRITABLE,
    errno.EEXIST: _MAKE_WRITABLE,
}


def make_directory(directory: Path) -> None:
    """Create a directory and its parents so that they survive a power loss."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    directory.mkdir(exist_ok=True)
    _sync_directory(directory.parent)


@contextmanager
def replacement(
    target: Path, *, while_replacing: AbstractContextManager[object] | None = None
) -> Generator[BinaryIO]:
    """Write a file that takes its target's place once the block ends without an error.

    Args:
        target: The path to create or replace. Its directory is created where needed.
        while_replacing: Entered for the moment of the replacement only.

    Yields:
        The temporary file, beside the target.

    Raises:
        LakeError: The disk is full, or the directory cannot be written.
    """
    with _explained(target):
        make_directory(target.parent)
        remove_orphans(target.parent)
        temporary, handle = _locked_temporary(target.parent)
        with handle:
            try:
                yield handle
                handle.flush()
                os.fsync(handle.fileno())
                with while_replacing or contextlib.nullcontext():
                    temporary.replace(target)
                    _sync_directory(target.parent)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise


@contextmanager
def _explained(target: Path) -> Generator[None]:
    """Turn what the disk refuses into an error with a remedy; all else passes."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REMEDIES:
            raise
        raise LakeError(
            f"{target} cannot be written: {error.strerror or os.strerror(error.errno)}.",
            remedy=f"{_REMEDIES[error.errno]} What was stored before is unchanged.",
        ) from error


def remove(target: Path) -> bool:
    """Remove a file for good; False where there was none."""
    try:
        target.unlink()
    except FileNotFoundError:
        return False
    _sync_directory(target.parent)
    return True


@contextmanager
def private_directory(parent: Path) -> Generator[Path]:
    """Offer an empty directory that vanishes with the block, or soon after the process."""
    make_directory(parent)
    remove_orphans(parent)
    directory, descriptor = _locked_directory(parent)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(descriptor)


def link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system has no hard links.

    Either way the target stays what it is when the source is replaced or removed.

    Raises:
        FileNotFoundError: The source does not exist (any more).
    """
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


def remove_orphans(directory: Path) -> None:
    """Remove the temporary files and directories that no live process owns."""
    with os.scandir(directory) as entries:
        leftovers = [Path(entry) for entry in entries if _TEMPORARY.fullmatch(entry.name)]
    for leftover in leftovers:
        # Another process may remove it first.
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(leftover, os.O_RDONLY)
            try:
                if _lock(descriptor):
                    _discard(leftover)
            finally:
                os.close(descriptor)


def _discard(leftover: Path) -> None:
    if leftover.is_dir():
        shutil.rmtree(leftover, ignore_errors=True)
    else:
        leftover.unlink()


def _temporary_name() -> str:
    return f".{secrets.token_hex(8)}.tmp"


def _locked_temporary(directory: Path) -> tuple[Path, BinaryIO]:
    while True:
        path = directory / _temporary_name()
        handle = path.open("xb")
        if _lock(handle.fileno()) and path.exists():
            return path, handle
        # A cleaner took it for an orphan between its creation and its lock.
        handle.close()
        path.unlink(missing_ok=True)


def _locked_directory(parent: Path) -> tuple[Path, int]:
    while True:
        path = parent / _temporary_name()
        path.mkdir()
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY)
            if _lock(descriptor) and path.exists():
                return path, descriptor
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
