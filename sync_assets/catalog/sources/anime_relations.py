"""anime-relations: where numbers that run on past the end of an anime lead.

Format: https://github.com/erengy/anime-relations (`anime-relations.txt`), CC0.
"""

import re
from collections.abc import Iterator

from sync_assets.catalog.models import Namespace, Redirect, SourceContent, Target
from sync_assets.catalog.sources.reading import SourceFormatError

_SIDE = r"([\d?~]+)\|([\d?~]+)\|([\d?~]+):(\d+)(?:-(\d+|\?))?"
_RULE = re.compile(rf"- {_SIDE} -> {_SIDE}(!?)")
_NAMESPACES = ((0, Namespace.MAL), (2, Namespace.ANILIST))


def parse(content: bytes) -> SourceContent:
    """Read the file.

    Args:
        content: The file.

    Returns:
        What it says.

    Raises:
        SourceFormatError: It is not in this format.
    """
    text = content.decode("utf-8", errors="replace")
    _, marker, rules = text.partition("::rules")
    if not marker:
        message = "has no '::rules'"
        raise SourceFormatError(message)
    result = SourceContent()
    for line in rules.splitlines():
        if not line.startswith("- "):
            continue
        result.entries += 1
        match = _RULE.fullmatch(line.strip())
        redirects = list(_redirects(match)) if match else []
        result.redirects.extend(redirects)
        result.skipped += not redirects
    return result


def _redirects(match: re.Match[str]) -> Iterator[Redirect]:
    groups = match.groups()
    own, other = groups[0:5], groups[5:10]
    last = int(own[4]) if own[4] and own[4].isdigit() else None
    first = int(own[3])
    for position, namespace in _NAMESPACES:
        source = own[position]
        destination = source if other[position] == "~" else other[position]
        if source.isdigit() and destination.isdigit():
            yield Redirect(
                Target(namespace, int(source)),
                first,
                last if own[4] else first,
                Target(namespace, int(destination)),
                int(other[3]),
            )
