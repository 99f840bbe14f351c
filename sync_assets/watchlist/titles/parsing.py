"""Read a release name: prepare it, take what is certain, then the number, then the title."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from sync_assets.watchlist.titles import second_opinion
from sync_assets.watchlist.titles.descriptions import (
    YEAR_IN_BRACKETS,
    find_checksum,
    find_year,
    is_random,
    masked_description,
)
from sync_assets.watchlist.titles.found import Found, number_of
from sync_assets.watchlist.titles.groups import find_group
from sync_assets.watchlist.titles.languages import find_languages
from sync_assets.watchlist.titles.models import (
    EpisodeKind,
    EpisodeNumbers,
    Reading,
    ReleaseName,
)
from sync_assets.watchlist.titles.numbers import find_episodes
from sync_assets.watchlist.titles.qualities import find_resolution, find_source
from sync_assets.watchlist.titles.seasons import find_season, find_season_episode, mask_seasons
from sync_assets.watchlist.titles.text import (
    LONGEST_NAME,
    MASK,
    mask_matches,
    masked,
    plain,
    prepared,
    without_extension,
)
from sync_assets.watchlist.titles.work_titles import find_titles

RULES = "rules"

_VERSION = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=NCOP)|(?<=NCED)|(?<=\d))v(\d)(?![A-Za-z0-9.])", re.IGNORECASE
)
_PART = re.compile(r"(?<![A-Za-z])(?:part|partie|cour) ?(\d{1,2})(?![\d.])", re.IGNORECASE)
_BATCH = re.compile(r"(?<![a-z])(?:batch|complete|completa|pack)(?![a-z])|合集|全集", re.IGNORECASE)
_MOVIE = re.compile(r"(?<![a-z])(?:movie|gekijouban|film)(?![a-z])|剧场版|劇場版", re.IGNORECASE)
_SPECIAL = re.compile(
    r"(?<![a-z])(?:ova|oad|oav|sp|special|specials|ex)(?:(?= ?\d)|(?=[ \]\)\[]*$)"
    r"|(?= ?[\[(\x1f-]))|番外|特典|特别篇|特別篇|(?:ova|oad|oav)(?= ?[\[(])",
    re.IGNORECASE,
)
_SPECIAL_BEFORE = re.compile(
    r"(?<![a-z])(?:ova|oad|oav|sp|specials?|ex|番外篇?|特典)[ \-\[(]*$", re.IGNORECASE
)
_EXTRA = re.compile(
    r"(?<![a-z])(?:ncop|nced|creditless|menu|(?:pv|cm|trailer|preview)(?= ?\d"
    r"|[ \]\x1f]))(?![a-z])|(?<![a-z])(?:op|ed) ?\d(?!\d)",
    re.IGNORECASE,
)
_SCENE = re.compile(
    r"^(?!.*(?:vostfr|[ ]vf(?: |$)))[^\[\]【】]*(?:[ ._](?:hdtv|dvdrip|xvid)|$)", re.IGNORECASE
)
_LEADING_GROUP = re.compile(r"^[\d .]{0,4}(?:[A-Za-z]{1,10}\.)?[ *]*\[[^\[\]]*\]")
_WORD = re.compile(r"[^\W_]")
_MASKS = re.compile(rf"{MASK}+")
_TITLE_SEPARATOR = re.compile(r"[/|]|\] ?\[")
_LETTER = re.compile(r"[^\W\d_]")
_ADJACENT_BEFORE = re.compile(r"(?:^\[.* | - )(\d{2,4}(?:\.\d)?)[ (\[]*$")
_ADJACENT_AFTER = re.compile(r"^[ )\]]*(?:- |\[|\()?(\d{2,5})(?=[\])]|$)")


@dataclass(frozen=True, slots=True)
class _Numbers:
    found: Found | None
    season: Found | None


def parse_release_name(name: str) -> ReleaseName:
    """Read a release name.

    Args:
        name: Any text.

    Returns:
        What it says; never an error, whatever the text is.
    """
    stem, extension = without_extension(" ".join(name[:LONGEST_NAME].split()))
    written = plain(stem)
    text = prepared(written)
    if is_random(stem):
        return ReleaseName(name, extension=extension)
    body = masked_description(text, written)
    numbers = _numbers(body, text, stem)
    found, season = numbers.found, numbers.season
    group_mark = _LEADING_GROUP.match(written)
    start, end = _title_span(body, numbers, start=group_mark.end() if group_mark else 0)
    group = find_group(written, title_end=found.end if found else end)
    source = find_source(text)
    resolution, is_stated = find_resolution(text, extension, source)
    readable = mask_seasons(body) if season else body
    titles = find_titles(stem, readable, start=start, end=end, group=group)
    result = ReleaseName(
        name=name,
        title=titles[0] if titles else None,
        alternative_titles=tuple(titles[1:]),
        season=_season_number(numbers),
        episodes=found.episodes if found else None,
        absolute=found.absolute if found else None,
        kind=_kind(text, numbers),
        version=_version(text, found),
        part=_part(text),
        is_batch=_is_batch(text, numbers),
        resolution=resolution,
        is_resolution_stated=is_stated,
        source=source,
        group=group,
        languages=find_languages(text[min(end, len(text)) :]),
        checksum=find_checksum(text),
        year=find_year(text),
        extension=extension,
    )
    return _reviewed(result, found)


def _numbers(body: str, text: str, stem: str) -> _Numbers:
    if found := find_season_episode(body):
        rest = masked(body, [(found.start, found.end)])
        return _Numbers(_with_absolute(found, body), find_season(rest))
    season = find_season(body)
    rest = mask_seasons(body) if season else body
    rest = _mask_leading_group(rest)
    without_year = mask_matches(rest, YEAR_IN_BRACKETS)
    # Names of television releases have no spaces, and nobody but anime counts in French.
    is_scene = season is None and " " not in stem and _SCENE.match(text) is not None
    found = find_episodes(without_year, is_scene=is_scene, after=season.end if season else 0)
    return _Numbers(found, season)


def _mask_leading_group(text: str) -> str:
    found = re.match(r"^ *\[([^\[\]]*)\]", text)
    if (
        found is None
        or re.fullmatch(r"[ \dSE.-]*", found[1], re.IGNORECASE)
        or not _LETTER.search(text, found.end())
    ):
        return text
    return MASK * found.end() + text[found.end() :]


def _with_absolute(found: Found, body: str) -> Found:
    before = _ADJACENT_BEFORE.search(body[: found.start])
    after = _ADJACENT_AFTER.match(body[found.end :])
    if not body.startswith("[") and (before or after):
        # Outside anime, a number beside S01E02 belongs to the title of the series or the episode.
        before = before if body[: found.start].rstrip().endswith("(") else None
        after = after if after and after[0].lstrip().startswith("[") else None
    if before:
        number = EpisodeNumbers(Decimal(before[1]), Decimal(before[1]))
        return replace(found, start=before.start(1), absolute=number)
    if after and (len(after[1]) != 4 or "[" in after[0]):
        number = EpisodeNumbers(Decimal(after[1]), Decimal(after[1]))
        return replace(found, absolute=number)
    return found


def _title_span(body: str, numbers: _Numbers, *, start: int) -> tuple[int, int]:
    """Find where titles begin and end: behind the group, before what is no title."""
    start = start if _LETTER.search(body, start) or numbers.found is None else 0
    found, season = numbers.found, numbers.season
    if found and not _WORD.search(body, start, found.start):
        # The number comes first, as in "Episode 3 Title" or "[S01E02] Title".
        end = _first_mark(body, found.end)
        if season and season.start >= found.end:
            end = min(end, season.start)
        dash = body.find(" - ", found.end + 3, end)
        return found.end, dash if dash > 0 else end
    end = _first_mark(body, start)
    if found:
        end = min(end, found.start)
    if season and _WORD.search(body, start, season.start):
        # Behind 第二季 the title may come again in another language.
        is_last = not found or not _TITLE_SEPARATOR.search(body, season.end, found.start)
        end = min(end, season.start) if is_last else end
    return start, end


def _first_mark(body: str, start: int) -> int:
    """Find the first mask behind a title, or the bracket that it stands in."""
    for found in _MASKS.finditer(body, start):
        if not _WORD.search(body, start, found.start()):
            continue
        opening = max(body.rfind("(", start, found.start()), body.rfind("[", start, found.start()))
        closing = max(body.rfind(")", start, found.start()), body.rfind("]", start, found.start()))
        if opening > closing and _WORD.search(body, start, opening):
            return opening
        return found.start()
    return len(body)


def _season_number(numbers: _Numbers) -> int | None:
    if numbers.found and numbers.found.season is not None:
        return numbers.found.season
    return numbers.season.season if numbers.season else None


def _kind(text: str, numbers: _Numbers) -> EpisodeKind:
    if _EXTRA.search(text):
        return EpisodeKind.EXTRA
    if _season_number(numbers) == 0:
        return EpisodeKind.SPECIAL
    if _MOVIE.search(text) and not (numbers.found and numbers.found.season):
        return EpisodeKind.MOVIE
    found = numbers.found
    if found is None:
        return EpisodeKind.SPECIAL if _SPECIAL.search(text) else EpisodeKind.REGULAR
    is_special = _SPECIAL.match(text, found.start) or _SPECIAL_BEFORE.search(text[: found.start])
    return EpisodeKind.SPECIAL if is_special else EpisodeKind.REGULAR


def _version(text: str, found: Found | None) -> int:
    if found and found.version is not None:
        return found.version
    matches = _VERSION.findall(text)
    return int(matches[-1]) if matches else 1


def _part(text: str) -> int | None:
    found = _PART.search(text)
    return number_of(found[1]) if found else None


def _is_batch(text: str, numbers: _Numbers) -> bool:
    found = numbers.found
    if found is None or found.episodes is None:
        return numbers.season is not None or _BATCH.search(text) is not None
    return found.episodes.is_range or found.is_complete


def _reviewed(result: ReleaseName, found: Found | None) -> ReleaseName:
    """Ask the second reader where the first is not certain."""
    if found is not None and found.is_certain:
        return result
    own = Reading(RULES, result.season, result.episodes)
    other = second_opinion.read(result.name[:LONGEST_NAME])
    if other.episodes is None:
        return result
    differs = result.episodes != other.episodes
    return replace(result, readings=(own, other), needs_review=differs)
