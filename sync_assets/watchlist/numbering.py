"""Which episode is which: its season, its number and its kind, and the one key made of them."""

from dataclasses import dataclass
from decimal import Decimal

from sync_assets.errors import SyncError
from sync_assets.ledger.types import decimal_text
from sync_assets.watchlist.titles import EpisodeKind

LARGEST_SEASON = 9_999
LARGEST_NUMBER = 99_999_999
"""Also dates count as numbers of daily programmes: 20261122."""
MOST_DECIMALS = 3


class UnusableNumberError(SyncError):
    """What a provider gave is no number of an episode."""


@dataclass(frozen=True, slots=True)
class EpisodeNumber:
    """Which episode of an item it is. Two episodes of an item never have the same one.

    Attributes:
        season: The season; None where episodes count from the beginning.
        number: The number, exactly; None where there is none, as for a film.
        kind: What it is. Numbers of different kinds have nothing to do with each other.
    """

    season: int | None
    number: Decimal | None
    kind: EpisodeKind = EpisodeKind.REGULAR

    def __post_init__(self) -> None:
        if self.season is not None and not 0 <= self.season <= LARGEST_SEASON:
            raise _unusable(f"season {str(self.season)[:20]}")
        if self.number is not None and not _is_usable(self.number):
            raise _unusable(f"number {str(self.number)[:20]}")
        if self.kind is EpisodeKind.EXTRA:
            raise _unusable("an extra")

    @property
    def key(self) -> str:
        """The same text for the same episode, whatever the database: `regular:1:12.5`."""
        season = "" if self.season is None else str(self.season)
        number = "" if self.number is None else decimal_text(self.number)
        return f"{self.kind}:{season}:{number}"


def episode_text(season: int | None, number: Decimal | None, kind: str, title: str = "") -> str:
    """Return what an episode is called within its series: `S02E05`, `12.5`, `Special 1`.

    Args:
        season: Its season.
        number: Its number.
        kind: What it is.
        title: Its own title, which stands in for a number that it has not.
    """
    text = "" if number is None else decimal_text(number)
    if kind == EpisodeKind.MOVIE:
        return title or f"Film {text}".strip()
    if kind == EpisodeKind.SPECIAL:
        return f"Special {text}".strip()
    if not text:
        return title or "Without a number"
    whole, point, decimals = text.partition(".")
    return text if season is None else f"S{season:02}E{whole.zfill(2)}{point}{decimals}"


def _is_usable(number: Decimal) -> bool:
    if not number.is_finite() or not 0 <= number <= LARGEST_NUMBER:
        return False
    _, _, decimals = decimal_text(number).partition(".")
    return len(decimals) <= MOST_DECIMALS


def _unusable(what: str) -> UnusableNumberError:
    return UnusableNumberError(
        f"{what} is not an episode of a series.",
        remedy=f"Seasons are 0 to {LARGEST_SEASON}, numbers 0 to {LARGEST_NUMBER} with at most "
        f"{MOST_DECIMALS} decimals.",
    )
