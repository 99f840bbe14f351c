"""bangumi-data: subjects with titles, days, and ids of TMDB, AniDB, MyAnimeList and AniList.

Format: https://github.com/bangumi-data/bangumi-data (`dist/data.json`), CC BY 4.0.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sync_assets.catalog.models import (
    Link,
    Namespace,
    SourceContent,
    Subject,
    SubjectKind,
    Target,
)
from sync_assets.catalog.sources.reading import (
    SourceFormatError,
    day_in_japan,
    load_json,
    mappings_of,
    number_or_none,
    tmdb_key,
)

_NAMESPACES = {"anidb": Namespace.ANIDB, "mal": Namespace.MAL, "aniList": Namespace.ANILIST}


def parse(content: bytes) -> SourceContent:
    """Read the file.

    Args:
        content: The file.

    Returns:
        What it says.

    Raises:
        SourceFormatError: It is not in this format.
    """
    data = load_json(content)
    if not isinstance(data, Mapping) or "items" not in data:
        message = "has no 'items'"
        raise SourceFormatError(message)
    result = SourceContent()
    for item in mappings_of(data["items"]):
        result.entries += 1
        sites = [
            (str(site.get("site")), str(site.get("id")))
            for site in mappings_of(item.get("sites", []))
        ]
        number = next((number_or_none(text) for site, text in sites if site == "bangumi"), None)
        if number is None:
            result.skipped += 1
            continue
        result.subjects.append(_subject(number, item))
        _read_sites(result, Target(Namespace.BANGUMI, number), sites)
    return result


def _read_sites(result: SourceContent, target: Target, sites: list[tuple[str, str]]) -> None:
    for site, text in sites:
        namespace, number = _NAMESPACES.get(site), number_or_none(text)
        if namespace is not None and number is not None:
            result.identities.append((target, Target(namespace, number)))
        key = tmdb_key(text) if site == "tmdb" else None
        if key is None:
            continue
        work, season, episode = key
        target_first = None if episode is None else 1
        result.links.append(Link(target, work, season, episode, episode, target_first))


def _subject(number: int, item: Mapping[str, Any]) -> Subject:
    name = str(item.get("title", ""))
    translations = item.get("titleTranslate") or {}
    titles = [name, *(title for names in translations.values() for title in names)]
    begin, end = day_in_japan(item.get("begin") or ""), day_in_japan(item.get("end") or "")
    kind = item.get("type")
    return Subject(
        number=number,
        name=name,
        titles=tuple(dict.fromkeys(str(title) for title in titles)),
        kind=SubjectKind(kind) if kind in set(SubjectKind) else SubjectKind.UNKNOWN,
        begin=begin,
        begin_is_exact=begin is not None,
        end=end,
        episodes=_weeks(begin, end, item.get("broadcast") or ""),
        episodes_are_estimated=True,
        name_cn=_chinese_title(translations),
    )


def _chinese_title(translations: Mapping[str, Any]) -> str:
    titles = [*(translations.get("zh-Hans") or ()), *(translations.get("zh-Hant") or ())]
    return str(titles[0]) if titles else ""


def _weeks(begin: date | None, end: date | None, broadcast: str) -> int | None:
    """Reckon the number of episodes of what was broadcast weekly; breaks make it too large."""
    if begin is None or end is None or not broadcast.endswith("/P7D"):
        return None
    return round((end - begin).days / 7) + 1
