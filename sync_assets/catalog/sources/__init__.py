"""The mapping sources that are known: where each is, under which licence, and how it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sync_assets.catalog.models import SourceContent
from sync_assets.catalog.sources import (
    anibridge,
    anime_lists,
    anime_relations,
    bangumi_data,
    bangumi_extlinker,
    episode_counts,
    rensetsu,
    shinkro,
)
from sync_assets.catalog.sources.reading import SourceFormatError


@dataclass(frozen=True)
class SourceDescription:
    """A mapping source.

    Attributes:
        url: Where it is published.
        licence: Under which licence, for the record of provenance.
        parse: Reads it.
        file_name: The end of the name that a local copy of it has.
    """

    url: str
    licence: str
    parse: Callable[[bytes], SourceContent]
    file_name: str

    def read(self, content: bytes) -> SourceContent:
        """Read a file of the source.

        Raises:
            SourceFormatError: It is not in the source's format, as a whole or in its entries.
        """
        try:
            return self.parse(content)
        except (TypeError, AttributeError, KeyError, ValueError) as error:
            if isinstance(error, SourceFormatError):
                raise
            message = f"has entries of another form ({type(error).__name__}: {error})"
            raise SourceFormatError(message) from error


_GITHUB = "https://raw.githubusercontent.com"

SOURCES: Mapping[str, SourceDescription] = {
    "bangumi_data": SourceDescription(
        "https://unpkg.com/bangumi-data@0.3/dist/data.json",
        "CC-BY-4.0",
        bangumi_data.parse,
        "bangumi-data*.json",
    ),
    "bangumi_extlinker": SourceDescription(
        f"{_GITHUB}/Rhilip/BangumiExtLinker/main/data/anime_map.json",
        "CC-BY-4.0",
        bangumi_extlinker.parse,
        "*anime_map.json",
    ),
    "anime_lists": SourceDescription(
        f"{_GITHUB}/Anime-Lists/anime-lists/master/anime-list.xml",
        "none given",
        anime_lists.parse,
        "*anime-list.xml",
    ),
    "anibridge": SourceDescription(
        f"{_GITHUB}/anibridge/anibridge-mappings/main/mappings.edits.yaml",
        "MIT",
        anibridge.parse,
        "*mappings.edits.yaml",
    ),
    "rensetsu_shows": SourceDescription(
        f"{_GITHUB}/rensetsu/db.trakt.extended-anitrakt/main/json/output/tv_ex.json",
        "MIT",
        rensetsu.parse_shows,
        "*tv_ex.json",
    ),
    "rensetsu_movies": SourceDescription(
        f"{_GITHUB}/rensetsu/db.trakt.extended-anitrakt/main/json/output/movies_ex.json",
        "MIT",
        rensetsu.parse_movies,
        "*movies_ex.json",
    ),
    "shinkro": SourceDescription(
        f"{_GITHUB}/varoOP/shinkro-mapping/main/tvdb-mal.yaml",
        "MIT",
        shinkro.parse,
        "*tvdb-mal.yaml",
    ),
    "anime_relations": SourceDescription(
        f"{_GITHUB}/erengy/anime-relations/master/anime-relations.txt",
        "CC0-1.0",
        anime_relations.parse,
        "*anime-relations.txt",
    ),
    "episode_counts": SourceDescription(
        f"{_GITHUB}/eliasbenb/PlexAniBridge-Mappings/v2/data/anilist_episode_counts.json",
        "MIT",
        episode_counts.parse,
        "*anilist_episode_counts.json",
    ),
}
