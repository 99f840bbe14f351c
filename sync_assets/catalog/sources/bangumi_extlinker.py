"""BangumiExtLinker: subjects with ids of TMDB, TheTVDB, IMDb, AniDB and MyAnimeList.

Format: https://github.com/Rhilip/BangumiExtLinker (`data/anime_map.json`), CC BY 4.0.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sync_assets.catalog.models import (
    Link,
    Namespace,
    Provider,
    SourceContent,
    Subject,
    Target,
    Work,
    WorkKind,
)
from sync_assets.catalog.sources.reading import load_json, mappings_of, number_or_none, tmdb_key


def parse(content: bytes) -> SourceContent:
    """Read the file.

    Args:
        content: The file.

    Returns:
        What it says.

    Raises:
        SourceFormatError: It is not in this format.
    """
    result = SourceContent()
    for item in mappings_of(load_json(content)):
        result.entries += 1
        number = number_or_none(item.get("bgm_id"))
        if number is None:
            result.skipped += 1
            continue
        target = Target(Namespace.BANGUMI, number)
        result.subjects.append(_subject(number, item))
        for field, namespace in (("anidb_id", Namespace.ANIDB), ("mal_id", Namespace.MAL)):
            other = number_or_none(item.get(field))
            if other is not None:
                result.identities.append((target, Target(namespace, other)))
        result.links.extend(_links(target, item))
    return result


def _links(target: Target, item: Mapping[str, Any]) -> list[Link]:
    links = []
    kind = WorkKind.SHOW
    key = tmdb_key(str(item.get("tmdb_id", "")))
    if key is not None:
        work, season, episode = key
        kind = work.kind
        links.append(Link(target, work, season, episode, episode, episode and 1))
    tvdb, imdb = number_or_none(item.get("tvdb_id")), item.get("imdb_id")
    if tvdb is not None:
        links.append(Link(target, Work(Provider.TVDB, WorkKind.SHOW, str(tvdb))))
    if imdb:
        links.append(Link(target, Work(Provider.IMDB, kind, str(imdb))))
    return links


def _subject(number: int, item: Mapping[str, Any]) -> Subject:
    titles = [str(item.get(field) or "") for field in ("name", "name_cn")]
    begin = None
    year, _, month = str(item.get("date") or "").partition("-")
    if (number_or_none(year) or 0) > 0 and 1 <= (number_or_none(month) or 0) <= 12:
        begin = date(int(year), int(month), 1)
    return Subject(
        number=number,
        name=titles[0],
        titles=tuple(dict.fromkeys(title for title in titles if title)),
        begin=begin,
        name_cn=titles[1],
    )
