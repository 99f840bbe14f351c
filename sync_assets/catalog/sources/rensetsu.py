"""Rensetsu's extended AniTrakt: which season of Trakt an anime of MyAnimeList is.

Format: https://github.com/rensetsu/db.trakt.extended-anitrakt (`tv_ex.json`, `movies_ex.json`),
MIT. Its seasons are Trakt's, which are those of TMDB.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sync_assets.catalog.models import (
    Link,
    Namespace,
    Provider,
    SourceContent,
    Target,
    Work,
    WorkKind,
)
from sync_assets.catalog.sources.reading import load_json, mappings_of, number_or_none


def parse_shows(content: bytes) -> SourceContent:
    """Read `tv_ex.json`.

    Args:
        content: The file.

    Returns:
        What it says.

    Raises:
        SourceFormatError: It is not in this format.
    """
    return _parse(content, WorkKind.SHOW)


def parse_movies(content: bytes) -> SourceContent:
    """Read `movies_ex.json`; otherwise like `parse_shows`."""
    return _parse(content, WorkKind.MOVIE)


def _parse(content: bytes, kind: WorkKind) -> SourceContent:
    result = SourceContent()
    for item in mappings_of(load_json(content)):
        result.entries += 1
        number = number_or_none((item.get("myanimelist") or {}).get("id"))
        if number is None:
            result.skipped += 1
            continue
        target = Target(Namespace.MAL, number)
        season = number_or_none(((item.get("trakt") or {}).get("season") or {}).get("number"))
        for work in _works(item, kind):
            known = season if work.provider in (Provider.TRAKT, Provider.TMDB) else None
            result.links.append(Link(target, work, known))
    return result


def _works(item: Mapping[str, Any], kind: WorkKind) -> Iterator[Work]:
    identifiers = {"trakt": (item.get("trakt") or {}).get("id"), **(item.get("externals") or {})}
    for provider in Provider:
        if identifiers.get(provider):
            yield Work(provider, kind, str(identifiers[provider]))
