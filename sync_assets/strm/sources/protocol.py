"""The protocol that every source of media follows, and the errors it may raise."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from sync_assets.errors import SyncError
from sync_assets.strm.models import Entry


class SourceUnavailableError(SyncError):
    """The source as a whole cannot be looked at now; nothing may be concluded from it."""


class DirectoryUnavailableError(SyncError):
    """One directory cannot be listed whole; nothing may be concluded about what is below it.

    Args:
        message: What went wrong.
        remedy: What the user can do about it.
        seen: Entries that are there, although there may be more.
    """

    def __init__(self, message: str, *, remedy: str, seen: Sequence[Entry] = ()) -> None:
        super().__init__(message, remedy=remedy)
        self.seen = seen


class UnprovenListingError(DirectoryUnavailableError):
    """Nothing is wrong with what was seen, but nobody can tell whether there is more."""


class FileUnavailableError(SyncError):
    """One file cannot be read now; the others may be."""


class FileStream(Protocol):
    """The content of a file, from its beginning to its end."""

    @property
    def size(self) -> int | None:
        """How many bytes there will be, where whoever sends them says so."""
        ...

    @property
    def content_type(self) -> str | None:
        """The media type, in lower case, without parameters; None where nobody says it."""
        ...

    def read(self, limit: int) -> bytes:
        """Read on.

        Args:
            limit: The most bytes to read.

        Returns:
            What comes next; nothing at the end.

        Raises:
            FileUnavailableError: It broke off.
        """
        ...


class Source(Protocol):
    """A tree of directories and files that can be listed."""

    @property
    def connections(self) -> int:
        """How many directories may be listed at the same time."""
        ...

    @property
    def requests(self) -> int:
        """How many requests were sent to a server so far."""
        ...

    @property
    def link_root(self) -> str | None:
        """The path of the source's root in links, where only the server knows it.

        It is known after `check`.
        """
        ...

    def check(self) -> None:
        """Make sure that the source is there.

        Raises:
            SourceUnavailableError: It is not.
        """
        ...

    def list_directory(self, path: str) -> list[Entry]:
        """List one directory, whole; called from several threads where `connections` allows.

        Args:
            path: Relative to the source, segments joined by `/`; empty for the root.

        Returns:
            All entries, in any order. Names are not checked yet.

        Raises:
            DirectoryUnavailableError: It cannot be listed, or not whole. Answers about one
                directory belong here: its part of the library is protected, and the scan goes on.
            SourceUnavailableError: The source has gone, or asks to be left alone. The scan ends,
                and the last listing stays in effect.
        """
        ...

    def close(self) -> None:
        """Let go of connections; the source is not used any more."""
        ...


@runtime_checkable
class ReadableSource(Source, Protocol):
    """A source whose files can be read as well. Not every source needs to be one."""

    def open_file(
        self, path: str, *, sign: str | None = None
    ) -> AbstractContextManager[FileStream]:
        """Open a file; called from several threads, after `check`.

        Args:
            path: Relative to the source, segments joined by `/`.
            sign: What the listing said is needed to be let in.

        Returns:
            Its content, for the length of a block.

        Raises:
            FileUnavailableError: It cannot be read, or what came instead is no file. Raised where
                the block is entered.
            SourceUnavailableError: The source has gone, or asks to be left alone.
        """
        ...
