"""Anime-Lists: which season of TheTVDB and TMDB an anime of AniDB is, and from which episode on.

Format: https://github.com/Anime-Lists/anime-lists (`anime-list.xml`). It has no licence file: it
is fetched for the user and never passed on.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree as ET

from sync_assets.catalog.models import (
    Link,
    Namespace,
    Provider,
    SourceContent,
    Target,
    Work,
    WorkKind,
)
from sync_assets.catalog.sources.reading import SourceFormatError, number_or_none

_PAIR = re.compile(r"(\d+)-(\d+(?:\+\d+)*)")


class _Side(NamedTuple):
    """The attributes that hold one provider's numbers."""

    provider: Provider
    identifier: str
    season: str
    offset: str
    mapping_season: str


_SIDES = (
    _Side(Provider.TVDB, "tvdbid", "defaulttvdbseason", "episodeoffset", "tvdbseason"),
    _Side(Provider.TMDB, "tmdbtv", "tmdbseason", "tmdboffset", "tmdbseason"),
)


def parse(content: bytes) -> SourceContent:
    """Read the file.

    Args:
        content: The file.

    Returns:
        What it says.

    Raises:
        SourceFormatError: It is not in this format.
    """
    if b"<!ENTITY" in content or b"<!DOCTYPE" in content[:4096]:
        message = "has a document type, which this source never has; it may be a web page"
        raise SourceFormatError(message)
    try:
        root = ET.fromstring(content)  # noqa: S314 - entities are refused above
    except ET.ParseError as error:
        message = f"is not XML: {error}"
        raise SourceFormatError(message) from error
    if root.tag != "anime-list":
        message = f"holds no anime-list but {root.tag}"
        raise SourceFormatError(message)
    result = SourceContent()
    for anime in root.iter("anime"):
        result.entries += 1
        number = number_or_none(anime.get("anidbid"))
        if number is None:
            result.skipped += 1
            continue
        target = Target(Namespace.ANIDB, number)
        for side in _SIDES:
            result.links.extend(_show_links(target, anime, side))
        result.links.extend(_movie_links(target, anime))
    return result


def _show_links(target: Target, anime: ET.Element, side: _Side) -> Iterator[Link]:
    identifier = number_or_none(anime.get(side.identifier))
    if identifier is None:
        return
    work = Work(side.provider, WorkKind.SHOW, str(identifier))
    for mapping in anime.iterfind("mapping-list/mapping"):
        season = number_or_none(mapping.get(side.mapping_season))
        if season is not None:
            yield from _mapping_links(Link(target, work, season), mapping)
    season = number_or_none(anime.get(side.season))
    if season is None:
        yield Link(target, work)
        return
    first = 1 + (number_or_none(anime.get(side.offset)) or 0)
    if first >= 1:
        yield Link(target, work, season, first, None, 1)
    else:
        yield Link(target, work, season, 1, None, 2 - first)


def _mapping_links(base: Link, mapping: ET.Element) -> Iterator[Link]:
    base = base._replace(is_special=mapping.get("anidbseason") == "0")
    for own, others in _PAIR.findall(mapping.text or ""):
        for other in others.split("+"):
            if int(own) and int(other):
                number = int(other)
                yield base._replace(first=number, last=number, target_first=int(own))
    start, end = number_or_none(mapping.get("start")), number_or_none(mapping.get("end"))
    offset = number_or_none(mapping.get("offset")) or 0
    if start is not None and start + offset >= 1:
        last = None if end is None else end + offset
        yield base._replace(first=start + offset, last=last, target_first=start)


def _movie_links(target: Target, anime: ET.Element) -> Iterator[Link]:
    """Several films under one anime are its episodes, in their order."""
    for provider, attribute in ((Provider.TMDB, "tmdbid"), (Provider.IMDB, "imdbid")):
        identifiers = [text.strip() for text in anime.get(attribute, "").split(",") if text.strip()]
        for position, identifier in enumerate(identifiers, start=1):
            work = Work(provider, WorkKind.MOVIE, identifier)
            yield Link(target, work, target_first=position)
