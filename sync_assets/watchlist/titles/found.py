"""Numbers that were found in a name, and how digits and characters are read as numbers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sync_assets.watchlist.titles.models import EpisodeNumbers

_KANJI: Mapping[str, int] = {
    character: value for value, character in enumerate("〇一二三四五六七八九十")
} | {"零": 0, "两": 2, "兩": 2}


@dataclass(frozen=True, slots=True)
class Found:
    """Numbers, and where they stand.

    Attributes:
        start: Where they begin in the name.
        end: Where they end.
        episodes: The numbers; None for a season as a whole.
        season: The season that belongs to them.
        absolute: The numbers from the beginning, where both are given.
        is_certain: Whether the form leaves no doubt.
        is_complete: Whether the name says that this is all there is.
        version: The version that is written at the number.
    """

    start: int
    end: int
    episodes: EpisodeNumbers | None
    season: int | None = None
    absolute: EpisodeNumbers | None = None
    is_certain: bool = False
    is_complete: bool = False
    version: int | None = None


def number_of(text: str) -> int:
    """Return the value of digits, or of a small number in Chinese characters."""
    if text.isdecimal():
        return int(text)
    value = 0
    digit = 0
    for character in text:
        if character in ("十", "百"):
            value += (digit or 1) * (10 if character == "十" else 100)
            digit = 0
        else:
            digit = _KANJI.get(character, 0)
    return value + digit


def episodes_of(first: str, last: str | None = None, suffix: str | None = None) -> EpisodeNumbers:
    """Return the numbers that are written so; a range that runs backwards is its first number."""
    begin = Decimal(first) if first.replace(".", "", 1).isdecimal() else Decimal(number_of(first))
    end = begin
    if last is not None:
        end = Decimal(last) if last.replace(".", "", 1).isdecimal() else Decimal(number_of(last))
    end = max(end, begin)
    return EpisodeNumbers(begin, end, (suffix or "").upper())


def found_at(found: re.Match[str], *, is_certain: bool) -> Found:
    """Return what a match of a pattern with the usual names of groups says."""
    groups = found.groupdict()
    version = groups.get("version")
    return Found(
        found.start(),
        found.end(),
        episodes_of(groups["first"], groups.get("last"), groups.get("suffix")),
        is_certain=is_certain,
        version=int(version) if version else None,
    )
