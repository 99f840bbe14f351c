"""How an item counts its episodes, so that one episode is one, however its sources count.

Season 1 and no season are the same. Whether an episode is new is asked of the set of those that
are had, never of the greatest among them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from sync_assets.watchlist.numbering import EpisodeNumber, UnusableNumberError
from sync_assets.watchlist.titles import EpisodeKind, parse_release_name

MOST_IN_A_BATCH = 2_000
"""What claims to hold more episodes than this was misread."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """How an item counts its episodes.

    Attributes:
        season: The season that the item is; None for the first one, or a whole series.
        offset: Added to numbers that are counted from the beginning of the series: -12 where the
            13th of them is the item's first. Numbers that come with a season are left alone, and
            so are 0, decimals and specials, which no source counts on.
    """

    season: int | None = None
    offset: int = 0

    def episode(
        self, season: int | None, number: Decimal | None, kind: EpisodeKind
    ) -> EpisodeNumber | None:
        """Return the episode that a source means.

        Args:
            season: The season that the source names.
            number: The number that it gives.
            kind: What it says it is.

        Returns:
            The episode; None where it is none of the item, as another season's.
        """
        if season == 0 and kind is EpisodeKind.REGULAR:
            kind = EpisodeKind.SPECIAL
        if kind is EpisodeKind.MOVIE:
            season = None
        elif season is None:
            season = self.season
            if kind is EpisodeKind.REGULAR and number is not None and _is_counted_on(number):
                number += self.offset
                if number < 1:
                    return None
        elif self.season is not None and season not in (0, self.season):
            return None
        try:
            return EpisodeNumber(season if season and season > 1 else None, number, kind)
        except UnusableNumberError:
            return None

    def episodes(
        self,
        season: int | None,
        first: Decimal | None,
        last: Decimal | None,
        kind: EpisodeKind,
    ) -> tuple[EpisodeNumber, ...]:
        """Return the episodes that a release holds, in order.

        Args:
            season: The season that it names.
            first: The first number.
            last: The last one; the same as `first` where it is one episode.
            kind: What it says it is.

        Returns:
            The episodes of the item. Of a range its ends and the whole numbers between: that it
            holds 6.5 as well, nobody knows before it is there.
        """
        found = (self.episode(season, number, kind) for number in numbers_between(first, last))
        return tuple(dict.fromkeys(each for each in found if each is not None))


@lru_cache(maxsize=8_192)
def season_of_title(title: str) -> int | None:
    """Return the season that an item's title names, as "Hoshizora 2nd Season" does.

    Args:
        title: The title.
    """
    season = parse_release_name(f"{title} - 01").season
    return season if season and season > 1 else None


def numbers_between(first: Decimal | None, last: Decimal | None) -> Iterator[Decimal | None]:
    """Give the numbers of a release: its ends and the whole numbers between.

    Args:
        first: The first number; None where there is none.
        last: The last one.

    Yields:
        The numbers; none where the range cannot be.
    """
    if first is None or last is None or last == first:
        yield first
        return
    if last < first or last - first > MOST_IN_A_BATCH:
        return
    yield first
    following = first.to_integral_value(rounding="ROUND_FLOOR") + 1
    while following < last:
        yield following
        following += 1
    yield last


def place(episode: EpisodeNumber) -> tuple[str, int, Decimal]:
    """Return the place of an episode within its item: regular ones first, then as they count.

    Args:
        episode: The episode.
    """
    kind = "" if episode.kind is EpisodeKind.REGULAR else episode.kind.value
    return kind, episode.season or 1, episode.number or Decimal(0)


def _is_counted_on(number: Decimal) -> bool:
    return number >= 1 and number == number.to_integral_value()
