"""What a pass over metadata files did: its numbers, and each change and failure."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sync_assets.errors import ItemFailure, SyncError
from sync_assets.strm.explaining import explained
from sync_assets.strm.models import Change, Outcome


@dataclass(slots=True)
class MetadataSummary:
    """The numbers of one pass over metadata files.

    Attributes:
        copied: New files.
        updated: Files that were replaced by what the source has now.
        unchanged: Files left exactly as they are.
        foreign: Files that somebody else wrote or edited, left alone.
        too_large: Files of the source that are larger than the limit.
        postponed: Files that were not fetched, because the source went away.
        bytes: The size of all that was fetched.
        failures: Items that did not work.
    """

    copied: int = 0
    updated: int = 0
    unchanged: int = 0
    foreign: int = 0
    too_large: int = 0
    postponed: int = 0
    bytes: int = 0
    failures: list[ItemFailure] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many files the pass was about."""
        settled = self.copied + self.updated + self.unchanged + self.foreign
        return settled + self.postponed + len(self.failures)


class MetadataReport:
    """Keeps the numbers of a pass, and tells of its changes and failures.

    Args:
        record: Called with every change and failure.
    """

    def __init__(self, record: Callable[[Change], None]) -> None:
        self._record = record
        self.summary = MetadataSummary()

    def change(self, path: str, outcome: Outcome) -> None:
        """Tell what happened to a file."""
        self._record(Change(path, path, outcome))

    def foreign(self, path: str) -> None:
        """Count a file that somebody else wrote or edited, and tell of it."""
        self.summary.foreign += 1
        self.change(path, Outcome.FOREIGN)

    def fail(self, path: str, error: SyncError | OSError) -> None:
        """Count a file that did not work, and tell why."""
        message, remedy = explained(error)
        self.summary.failures.append(ItemFailure(path, message, remedy))
        self._record(Change(path, path, Outcome.FAILED, message))
