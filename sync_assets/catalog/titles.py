"""Titles as they are compared: width, case, script and punctuation make no difference."""

import re
import unicodedata
from functools import cache, lru_cache

import opencc

_CHINESE_DIGITS = {digit: number for number, digit in enumerate("一二三四五六七八九十", start=1)}
_ROMAN = {"ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6}
_SEASON_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"[\s(\[]*第\s*(?P<number>\d+|[一二三四五六七八九十])\s*(?:期|季|シリーズ|シーズン)[)\]]*",
        r"[\s:(\[-]*(?P<number>\d+)(?:st|nd|rd|th)\s+season[)\]]*",
        r"[\s:(\[-]*season\s*(?P<number>\d+)[)\]]*",
        r"\s+s(?P<number>\d{1,2})$",
        r"\s+(?P<number>ii|iii|iv|vi|v)$",
    )
)


@lru_cache(maxsize=65_536)
def fold(title: str) -> str:
    """Return a title as it is compared.

    Compatibility forms are unified (NFKC), traditional Chinese becomes simplified (OpenCC), case
    and everything but letters and digits are dropped.

    Args:
        title: Any title.

    Returns:
        The folded title; empty where nothing is left.
    """
    text = unicodedata.normalize("NFKC", title).casefold()
    return "".join(each for each in _simplifier().convert(text) if each.isalnum())


def split_season(title: str) -> tuple[str, int | None]:
    """Take the season out of a title.

    Args:
        title: Any title.

    Returns:
        The title without what says the season, and the season, None where it says none.
    """
    text = unicodedata.normalize("NFKC", title).strip()
    for pattern in _SEASON_PATTERNS:
        match = pattern.search(text)
        if match is not None and match.start() > 0:
            rest = f"{text[: match.start()]} {text[match.end() :]}".strip()
            return rest, _number(match["number"])
    return text, None


def _number(text: str) -> int:
    lowered = text.casefold()
    return _CHINESE_DIGITS.get(lowered) or _ROMAN.get(lowered) or int(lowered)


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")
