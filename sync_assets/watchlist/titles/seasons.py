"""Find seasons in a prepared name: by themselves, or together with an episode as in S01E02."""

import re
from dataclasses import replace

from sync_assets.watchlist.titles.found import Found, episodes_of, found_at, number_of
from sync_assets.watchlist.titles.number_patterns import (
    CAPITULO,
    SEASON_DOT_EPISODE,
    SEASON_EPISODE,
    SEASON_X_EPISODE,
    SEASONS,
)
from sync_assets.watchlist.titles.text import MASK


def find_season(text: str) -> Found | None:
    """Find a season that stands by itself, such as S2, "2nd Season" or 第二季."""
    matches = [found for pattern in SEASONS for found in pattern.finditer(text)]
    if not matches:
        return None
    first = min(matches, key=lambda each: each.start())
    # A season is often said twice, as 第二季 and S2: the title ends at the first.
    return Found(first.start(), first.end(), None, number_of(first["season"]))


def mask_seasons(text: str) -> str:
    """Return the text with masks where seasons stand."""
    for pattern in SEASONS:
        text = pattern.sub(lambda found: MASK * len(found[0]), text)
    return text


def find_season_episode(text: str) -> Found | None:
    """Find a season and an episode that are written together, such as S01E02 or 1x02."""
    for rule in (_season_episode, _season_x_episode, _season_dot_episode, _capitulo):
        if found := rule(text):
            return found
    return None


def _last_of(found: re.Match[str]) -> str | None:
    numbers = re.findall(r"\d+", re.sub(r"(?i)S\d+|\d+x", "", found["more"]))
    return numbers[-1] if numbers else None


def _season_episode(text: str) -> Found | None:
    found = SEASON_EPISODE.search(text)
    if found is None:
        return None
    version = found["version"]
    start = found.start("season") - 1
    return Found(
        start,
        found.end(),
        episodes_of(found["first"], _last_of(found), found["suffix"]),
        season=int(found["season"]),
        is_certain=True,
        version=int(version) if version else None,
    )


def _season_x_episode(text: str) -> Found | None:
    found = SEASON_X_EPISODE.search(text)
    if found is None:
        return None
    return Found(
        found.start(),
        found.end(),
        episodes_of(found["first"], _last_of(found)),
        season=int(found["season"]),
        is_certain=True,
    )


def _season_dot_episode(text: str) -> Found | None:
    found = SEASON_DOT_EPISODE.search(text)
    return found and replace(found_at(found, is_certain=False), season=int(found["season"]))


def _capitulo(text: str) -> Found | None:
    found = CAPITULO.search(text)
    return found and replace(found_at(found, is_certain=True), season=int(found["season"]))
