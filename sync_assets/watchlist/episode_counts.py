"""What the states of an item's episodes mean to whoever watches it, in few numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sync_assets.watchlist.models import EpisodeState

_E = EpisodeState
_HAD = (_E.DOWNLOADED, _E.HAD)
_UNDER_WAY = (_E.WANTED, _E.WAITING, _E.QUEUED, _E.DOWNLOADING)


@dataclass(frozen=True)
class EpisodeCounts:
    """How many episodes are how far.

    Attributes:
        had: On disk, or had from elsewhere.
        under_way: They come without anybody's doing.
        undecided: The user decides.
        failed: They could not be had.
        expected: Nobody offers them yet.
        skipped: Nobody wants them.
    """

    had: int = 0
    under_way: int = 0
    undecided: int = 0
    failed: int = 0
    expected: int = 0
    skipped: int = 0

    @classmethod
    def of(cls, by_state: Mapping[str, int]) -> Self:
        """Sum up.

        Args:
            by_state: How many episodes are in each state; one without any may be missing.
        """

        def total(*states: EpisodeState) -> int:
            return sum(by_state.get(state, 0) for state in states)

        return cls(
            had=total(*_HAD),
            under_way=total(*_UNDER_WAY),
            undecided=total(_E.FOUND),
            failed=total(_E.FAILED),
            expected=total(_E.EXPECTED),
            skipped=total(_E.SKIPPED),
        )

    @property
    def new(self) -> int:
        """Offered, and not had yet."""
        return self.under_way + self.undecided

    @property
    def wanted(self) -> int:
        """All that are to be had sooner or later."""
        return self.had + self.new + self.failed + self.expected
