"""Ask anitopy how it reads the number of a name.

anitopy (https://github.com/igorcmoura/anitopy, MPL-2.0) keeps its state in class attributes and
was never meant for several threads, so it is called by one at a time.
"""

import re
import threading
from decimal import Decimal

import anitopy

from sync_assets.watchlist.titles.models import EpisodeNumbers, Reading

READER = "anitopy"

_lock = threading.Lock()
_NUMBER = re.compile(r"(\d{1,5}(?:\.\d{1,2})?)([A-Ca-c])?$")
_FAILURES = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What anitopy raises on names that it was not made for."""


def read(name: str) -> Reading:
    """Read a name with anitopy.

    Args:
        name: The release name.

    Returns:
        Its reading, which is empty where it understands nothing.
    """
    with _lock:
        try:
            elements = anitopy.parse(name) or {}
        except _FAILURES:
            elements = {}
    return Reading(READER, _season(elements.get("anime_season")), _episodes(elements))


def _season(value: object) -> int | None:
    text = value[0] if isinstance(value, list) and value else value
    return int(text) if isinstance(text, str) and text.isdecimal() else None


def _episodes(elements: dict[str, object]) -> EpisodeNumbers | None:
    value = elements.get("episode_number")
    texts = value if isinstance(value, list) else [value]
    matches = [_NUMBER.match(text) for text in texts if isinstance(text, str)]
    numbers = [Decimal(found[1]) for found in matches if found]
    if not numbers:
        return None
    suffix = next((found[2] for found in matches if found and found[2]), "")
    return EpisodeNumbers(min(numbers), max(numbers), suffix.upper())
