"""The protocol that every source of media follows, and the errors it may raise."""

from typing import Protocol

from sync_assets.errors import SyncError
from sync_assets.strm.models import Entry


class SourceUnavailableError(SyncError):
    """The source as a whole cannot be looked at now; nothing may be concluded from it."""


class DirectoryUnavailableError(SyncError):
    """One directory cannot be listed whole; nothing may be concluded about what is below it."""


class Source(Protocol):
    """A tree of directories and files that can be listed."""

    @property
    def connections(self) -> int:
        """How many directories may be listed at the same time."""
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
            DirectoryUnavailableError: It cannot be listed, or not whole.
            SourceUnavailableError: The source has gone.
        """
        ...
