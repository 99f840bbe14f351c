"""Find the episode in a prepared name: rules from the certain to the likely.

The forms are those that release groups and index sites use. A certain form, such as 第3話 or
"Episode 4", is believed; a number that merely stands there is only likely.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from sync_assets.watchlist.titles.found import Found, episodes_of, found_at
from sync_assets.watchlist.titles.number_patterns import (
    BRACKET_LEADING,
    BRACKETED,
    BRACKETED_RANGE,
    CJK_ALL,
    CJK_BARE,
    CJK_EPISODE,
    CJK_SPECIAL,
    COMPACT,
    DASHED,
    EPISODE_WORD,
    FREE,
    GLUED,
    HASH,
    LEADING,
    LEADING_PADDED,
    LEADING_SEASON,
    OF,
    ORDINAL_EPISODE,
    PAIRED,
    RANGE,
    SPECIAL,
)
from sync_assets.watchlist.titles.text import MASK

_LARGEST_SEASON = 100
"""More episodes than this no season has, so such numbers count from the beginning."""
_YEARS = range(1950, 2100)


def find_episodes(text: str, *, is_scene: bool, after: int = 0) -> Found | None:
    """Find the episode.

    Args:
        text: The prepared name, with masks on what is no episode.
        is_scene: Whether it looks like the name of a television release, where 103 means season
            1, episode 3.
        after: Where the season ends: a bare number before it belongs to the title.

    Returns:
        The best of what stands there; None where nothing is like an episode.
    """
    for rule in _RULES:
        if found := rule(text):
            return found
    if is_scene and (found := _compact(text)):
        return found
    if found := _free(text, after):
        return found
    for rule in _WEAK_RULES:
        if found := rule(MASK * after + text[after:]):
            return found
    return None


def _of_count(text: str) -> Found | None:
    found = OF.search(text)
    if found is None or int(found["first"]) > int(found["count"]):
        return None
    is_bracketed = text[: found.start()].endswith("[")
    return replace(found_at(found, is_certain=True), season=None if is_bracketed else 1)


def _certain(pattern: re.Pattern[str]) -> Callable[[str], Found | None]:
    def rule(text: str) -> Found | None:
        found = pattern.search(text)
        return found and found_at(found, is_certain=True)

    return rule


def _all_episodes(text: str) -> Found | None:
    found = CJK_ALL.search(text)
    if found is None:
        return None
    episodes = episodes_of("1", found["count"])
    return Found(found.start(), found.end(), episodes, is_certain=True, is_complete=True)


def _paired(text: str) -> Found | None:
    """Find two numbers of one episode, as in "16 (75)": the greater counts from the beginning."""
    found = PAIRED.search(text)
    if found is None or _is_year(found["second"]):
        return None
    least, most = sorted((found["first"], found["second"]), key=int)
    if int(least) > _LARGEST_SEASON or least == most:
        return None
    span = found.span("first")[0], found.end()
    return Found(*span, episodes_of(least), absolute=episodes_of(most))


def _bracketed_range(text: str) -> Found | None:
    for found in BRACKETED_RANGE.finditer(text):
        if Decimal(found["first"]) < Decimal(found["last"]) and not _are_years(found):
            return found_at(found, is_certain=False)
    return None


def _bracketed(text: str) -> Found | None:
    matches = [
        found
        for found in BRACKETED.finditer(text)
        if not (found[0].startswith("(") and _is_year(found["first"]))
    ]
    others = [found for found in matches if not _is_year(found["first"])]
    chosen = [found for found in others if found[0].startswith("[")] or others or matches
    return found_at(chosen[0], is_certain=False) if chosen else None


def _bracketed_alone(text: str) -> Found | None:
    """A number in square brackets: an episode, unless it is all that could be a year."""
    matches = [found for found in BRACKETED.finditer(text) if found[0].startswith("[")]
    others = [found for found in matches if not _is_year(found["first"])]
    return found_at(others[0], is_certain=False) if others else None


def _bracket_leading(text: str) -> Found | None:
    found = BRACKET_LEADING.search(text)
    return found and found_at(found, is_certain=False)


def _dashed(text: str) -> Found | None:
    matches = list(DASHED.finditer(text))
    plain = [each for each in matches if not _is_year(each["first"])] or matches
    return found_at(plain[0], is_certain=False) if plain else None


def _overlapping(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Find all matches: in "Title 2 - 01~10" the second begins within the first."""
    found = pattern.search(text)
    while found:
        yield found
        found = pattern.search(text, found.end("first"))


def _range(text: str) -> Found | None:
    for found in _overlapping(RANGE, text):
        first, last, joint = found["first"], found["last"], found["joint"]
        if int(first) >= int(last) or _are_years(found):
            continue
        is_padded = first.startswith("0") or len(first) == len(last)
        if joint.strip() == "-" and " " in joint and not is_padded:
            # "Title 2 - 05" is the fifth episode of a second season.
            continue
        if joint.strip() == "-" and " " in joint and len(first) < 2:
            continue
        if len(first) == 1 and len(last) == 1 and "-" in joint:
            # "Class 5-2", "3-4": rather part of a title.
            continue
        if joint.strip() in ("&", "+") and int(last) != int(first) + 1:
            continue
        return found_at(found, is_certain=False)
    return None


def _free(text: str, after: int) -> Found | None:
    """Take the last number that stands by itself before anything technical."""
    limit = _first_mask_after_title(text)
    matches = [
        found
        for found in FREE.finditer(text, after, limit)
        if text[: found.start()].strip(" -[(" + MASK)
    ]
    # "Title 2 [720p]" is rather a second season than its second episode.
    plain = [found for found in matches if not _is_year(found["first"]) and len(found["first"]) > 1]
    if not plain:
        return None
    padded = [
        found for found in plain if found["first"].startswith("0") and len(found["first"]) > 1
    ]
    return found_at((padded or plain)[-1], is_certain=False)


def _first_mask_after_title(text: str) -> int:
    """Where the first mask or bracket after some title begins."""
    title_began = False
    for match in re.finditer(rf"{MASK}+|\[[^\]]*\]?|\([^)]*\)?|[^\[({MASK}]+", text):
        if match[0][0] in f"[({MASK}":
            if title_began and re.search(r"\d", text[: match.start()]):
                return match.start()
        elif re.search(r"\w", match[0]):
            title_began = True
    return len(text)


def _leading(text: str) -> Found | None:
    found = LEADING.search(text)
    return found and found_at(found, is_certain=False)


def _leading_season(text: str) -> Found | None:
    found = LEADING_SEASON.search(text)
    return found and replace(found_at(found, is_certain=False), season=int(found["season"]))


def _glued(text: str) -> Found | None:
    found = GLUED.search(text)
    return found and found_at(found, is_certain=False)


def _compact(text: str) -> Found | None:
    """Find 103 as season 1, episode 3, and 10708 as episodes 7 to 8."""
    for found in COMPACT.finditer(text):
        digits = found["digits"] or found["end"]
        if found["end"] and MASK not in text:
            # "some-title-103" counts from the beginning; only television numbers like this.
            continue
        if not text[: found.start()].strip(" -.") or _is_year(digits):
            continue
        digits = digits.removeprefix("0") if len(digits) in (4, 6) else digits
        season, rest = int(digits[0]), digits[1:]
        numbers = [rest[index : index + 2] for index in range(0, len(rest), 2)]
        if season and all(number != "00" for number in numbers):
            episodes = episodes_of(numbers[0], numbers[-1])
            return Found(found.start(), found.end(), episodes, season=season)
    return None


def _is_year(text: str) -> bool:
    return len(text) == 4 and text.isdecimal() and int(text) in _YEARS


def _are_years(found: re.Match[str]) -> bool:
    return _is_year(found["first"]) and _is_year(found["last"])


_RULES: Sequence[Callable[[str], Found | None]] = (
    _of_count,
    _all_episodes,
    _certain(CJK_EPISODE),
    _bracketed_range,
    _certain(EPISODE_WORD),
    _certain(ORDINAL_EPISODE),
    _certain(HASH),
    _range,
    _paired,
    _dashed,
    _bracketed_alone,
    _certain(CJK_BARE),
    _bracket_leading,
    _certain(SPECIAL),
    _certain(CJK_SPECIAL),
    _leading_season,
    _certain(LEADING_PADDED),
)
_WEAK_RULES: Sequence[Callable[[str], Found | None]] = (_bracketed, _glued, _leading)
