"""shinkro's mapping: which season of TheTVDB an anime of MyAnimeList is.

Format: https://github.com/varoOP/shinkro-mapping (`tvdb-mal.yaml`), MIT.
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
from sync_assets.catalog.sources.reading import SourceFormatError, mappings_of, number_or_none
from sync_assets.catalog.sources.yaml_reading import load_yaml


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
    if not isinstance(data, Mapping) or "AnimeMap" not in data:
        message = "has no 'AnimeMap'"
        raise SourceFormatError(message)
    result = SourceContent()
    for item in mappings_of(data["AnimeMap"]):
        result.entries += 1
        number, show = number_or_none(item.get("malid")), number_or_none(item.get("tvdbid"))
        if number is None or not show:
            result.skipped += 1
            continue
        base = Link(Target(Namespace.MAL, number), Work(Provider.TVDB, WorkKind.SHOW, str(show)))
        result.links.extend(_links(base, item))
    return result


def _links(base: Link, item: Mapping[str, Any]) -> Iterator[Link]:
    if not item.get("useMapping"):
        first = max(1, number_or_none(item.get("start")) or 0)
        yield base._replace(
            season=number_or_none(item.get("tvdbseason")), first=first, target_first=1
        )
        return
    for mapping in mappings_of(item.get("animeMapping") or []):
        season = number_or_none(mapping.get("tvdbseason"))
        if mapping.get("mappingType") == "explicit":
            for other, own in (mapping.get("explicitEpisodes") or {}).items():
                number, target_first = number_or_none(other), number_or_none(own)
                if number and target_first:
                    yield base._replace(
                        season=season, first=number, last=number, target_first=target_first
                    )
        elif not mapping.get("skipMalEpisodes"):
            # Here `start` is the anime's episode that opens the season.
            start = max(1, number_or_none(mapping.get("start")) or 0)
            yield base._replace(season=season, first=1, target_first=start)
