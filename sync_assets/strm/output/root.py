"""The output of a job: the only code that writes files there or deletes them.

Every path is walked from the root's descriptor, segment by segment, without following symbolic
links: nothing outside the root is ever touched, whatever stands in the tree or in a name. Plain
`os` calls, because `pathlib` and `tempfile` cost five times as much on this path.
"""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from sync_assets.errors import SyncError
from sync_assets.strm.output.directory import OutputDirectory

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
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
    def directory(self, path: str, *, create: bool) -> Generator[OutputDirectory | None]:
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


def _open_child(descriptor: int, name: str, *, create: bool) -> int | None:
    try:
        return os.open(name, _DIRECTORY, dir_fd=descriptor)
    except FileNotFoundError:
        if not create:
            return None
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=descriptor)
    return os.open(name, _DIRECTORY, dir_fd=descriptor)
