"""The rhythm in which episodes appear, and what it lets one expect: a guess, marked as one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

_MOST_LOOKED_AT = 7
"""Rhythms change: only the newest episodes tell of the next one."""
_LEAST_LOOKED_AT = 3
_SHORTEST = timedelta(hours=20)
_LONGEST = timedelta(days=32)
_TOLERANCE = timedelta(days=1.5)
_MOST_MISSED = 3
"""A series that stayed away so often has ended, or rests."""


@dataclass(frozen=True)
class Appearance:
    """An episode and when it appeared.

    Attributes:
        number: Its number.
        at: When.
    """

    number: Decimal
    at: datetime


@dataclass(frozen=True)
class Cadence:
    """A rhythm.

    Attributes:
        last: The newest episode.
        interval: How long it takes from one episode to the next.
    """

    last: Appearance
    interval: timedelta

    def is_over(self, now: datetime) -> bool:
        """Tell whether so many episodes stayed away that no other one is to be expected.

        Args:
            now: The moment.
        """
        return now - self.last.at > _MOST_MISSED * self.interval

    def following(self, until: datetime, last_number: int | None = None) -> Iterator[Appearance]:
        """Yield the next episodes.

        Args:
            until: None after this moment.
            last_number: The number of the last episode, where it is known.
        """
        number, at = self.last.number + 1, self.last.at + self.interval
        while at <= until and (last_number is None or number <= last_number):
            yield Appearance(number, at)
            number, at = number + 1, at + self.interval


def cadence_of(appearances: Sequence[Appearance]) -> Cadence | None:
    """Find the rhythm of a season.

    Args:
        appearances: Its regular episodes with whole numbers, in any order.

    Returns:
        The rhythm; None where there are too few episodes, or they have none: what appeared all at
        once, as an old season does, says nothing about the next one.
    """
    newest = sorted(appearances, key=lambda each: each.number)[-_MOST_LOOKED_AT:]
    if len(newest) < _LEAST_LOOKED_AT:
        return None
    gaps = [
        (after.at - before.at) / float(after.number - before.number)
        for before, after in pairwise(newest)
        if after.number != before.number
    ]
    if not gaps:
        return None
    interval = timedelta(seconds=median(gap.total_seconds() for gap in gaps))
    if not _SHORTEST <= interval <= _LONGEST:
        return None
    irregular = sum(abs(gap - interval) > _TOLERANCE for gap in gaps)
    # A week's rest happens in every season.
    return Cadence(newest[-1], interval) if irregular * 4 <= len(gaps) else None
