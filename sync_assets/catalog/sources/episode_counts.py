"""PlexAniBridge's list of how many episodes an anime of AniList has.

Format: https://github.com/eliasbenb/PlexAniBridge-Mappings (`anilist_episode_counts.json`), MIT.
"""

from collections.abc import Mapping

from sync_assets.catalog.models import Namespace, SourceContent, Target
from sync_assets.catalog.sources.reading import SourceFormatError, load_json, number_or_none


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
    if not isinstance(data, Mapping):
        message = f"holds no object but {type(data).__name__}"
        raise SourceFormatError(message)
    result = SourceContent()
    for key, value in data.items():
        result.entries += 1
        number, count = number_or_none(key), number_or_none(value)
        if number is None or not count:
            result.skipped += 1
            continue
        result.episode_counts[Target(Namespace.ANILIST, number)] = count
    return result
