"""AniBridge's edits: by hand, which episodes of TMDB and TheTVDB those of AniList are.

Format: https://github.com/anibridge/anibridge-mappings (`mappings.edits.yaml`), version 3, MIT.
"""

import re
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
from sync_assets.catalog.sources.reading import SourceFormatError, number_or_none
from sync_assets.catalog.sources.yaml_reading import load_yaml

_RANGE = re.compile(r"(\d+)(?:(-)(\d+)?)?")
_PROVIDERS = {
    "tmdb_show": (Provider.TMDB, WorkKind.SHOW),
    "tvdb_show": (Provider.TVDB, WorkKind.SHOW),
    "tmdb_movie": (Provider.TMDB, WorkKind.MOVIE),
    "imdb_movie": (Provider.IMDB, WorkKind.MOVIE),
}
_NAMESPACES = {"mal": Namespace.MAL, "anidb": Namespace.ANIDB, "anilist": Namespace.ANILIST}


def parse(content: bytes) -> SourceContent:
    """Read the file.

    Args:
        content: The file.

    Returns:
        What it says.

    Raises:
        SourceFormatError: It is not in this format.
    """
    data = load_yaml(content)
    if not isinstance(data, Mapping) or not str(
        (data.get("$schema") or {}).get("version", "")
    ).startswith("3."):
        message = "is no mapping of version 3"
        raise SourceFormatError(message)
    result = SourceContent()
    for key, destinations in data.items():
        if key == "$schema":
            continue
        result.entries += 1
        target = _target(str(key))
        if target is None or not isinstance(destinations, Mapping):
            result.skipped += 1
            continue
        for destination, ranges in destinations.items():
            _read(result, target, str(destination), ranges or {})
    return result


def _target(key: str) -> Target | None:
    name, _, rest = key.partition(":")
    number = number_or_none(rest.partition(":")[0])
    namespace = _NAMESPACES.get(name)
    return None if namespace is None or number is None else Target(namespace, number)


def _read(
    result: SourceContent, target: Target, destination: str, ranges: Mapping[Any, Any]
) -> None:
    other = _target(destination)
    if other is not None:
        # The same anime, if both are counted from 1; else only a part of it.
        own_first, other_first = next(iter(ranges.items()), ("", ""))
        if str(own_first).partition("-")[0] == str(other_first).partition("-")[0] == "1":
            result.identities.append((target, other))
        return
    name, _, rest = destination.partition(":")
    identifier, _, scope = rest.partition(":")
    provider = _PROVIDERS.get(name)
    if provider is None or not identifier:
        result.skipped += 1
        return
    work = Work(*provider, identifier)
    if work.kind is WorkKind.MOVIE:
        first = number_or_none(str(next(iter(ranges), "1")).partition("-")[0])
        result.links.append(Link(target, work, target_first=first))
        return
    season = number_or_none(scope.removeprefix("s"))
    for source, covered in ranges.items():
        links = list(_links(Link(target, work, season), str(source), str(covered)))
        result.links.extend(links)
        result.skipped += not links


def _links(base: Link, source: str, covered: str) -> Iterator[Link]:
    """Read a pair such as `14-26: 1-13`; what counts one episode as several is left out."""
    own, other = _RANGE.fullmatch(source), _RANGE.fullmatch(covered)
    if own is None or other is None or base.season is None:
        return
    own_first, other_first = int(own[1]), int(other[1])
    if own[2] and not own[3] and other[2] and not other[3]:
        yield base._replace(first=other_first, last=None, target_first=own_first)
        return
    own_last, other_last = int(own[3] or own_first), int(other[3] or other_first)
    if own_last - own_first == other_last - other_first:
        yield base._replace(first=other_first, last=other_last, target_first=own_first)
