"""Whether an item has all its episodes. Pure; what is expected comes from the catalogue."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sync_assets.watchlist.item_numbering import Numbering
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.titles import EpisodeKind

_REST_AFTER_END = timedelta(days=30)
"""Last episodes are put off, and releases come late."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of an item's length.

    Attributes:
        episodes: How many regular episodes it has, where that is certain.
        end: The day of its last episode.
        source: Who says so, for people.
        is_film: Whether it is one film.
    """

    episodes: int | None = None
    end: date | None = None
    source: str = "the catalogue"
    is_film: bool = False


def completion_reason(
    had: Collection[EpisodeNumber],
    missing: Iterable[EpisodeNumber],
    numbering: Numbering,
    expected: Expected | None,
    today: date,
) -> str | None:
    """Say why an item is complete.

    Args:
        had: The episodes that are had.
        missing: Those that are known and not had; such as nobody wants are not among them.
        numbering: How the item counts, which says its season.
        expected: What is known of its length; None where nothing is.
        today: The day.

    Returns:
        The reason; None where it is not complete, or nobody can know.
    """
    if expected is None or not had or any(each.kind is EpisodeKind.REGULAR for each in missing):
        return None
    if expected.is_film:
        has_film = any(each.kind is EpisodeKind.MOVIE for each in had)
        return f"The film is here, and {expected.source} says that it is one." if has_film else None
    if expected.episodes:
        wanted = {
            EpisodeNumber(numbering.season, Decimal(number))
            for number in range(1, expected.episodes + 1)
        }
        if wanted <= set(had):
            return f"All {expected.episodes} episodes that {expected.source} counts are here."
        return None
    regular = sorted(
        each.number for each in had if each.number is not None and _is_counted(each, numbering)
    )
    has_gap = regular != [Decimal(number) for number in range(1, len(regular) + 1)]
    if expected.end and regular and not has_gap and today >= expected.end + _REST_AFTER_END:
        return (
            f"It ended on {expected.end}, as {expected.source} says, and the episodes to "
            f"{regular[-1].normalize():f} are here without a gap."
        )
    return None


def _is_counted(episode: EpisodeNumber, numbering: Numbering) -> bool:
    number = episode.number
    return (
        episode.kind is EpisodeKind.REGULAR
        and episode.season == numbering.season
        and number is not None
        and number >= 1
        and number == number.to_integral_value()
    )
