"""What the parsers share: numbers, ids, dates, and the error of a file in another format."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from sync_assets.catalog.models import Provider, Work, WorkKind

JAPAN = timezone(timedelta(hours=9))

_TMDB = re.compile(
    r"(?P<kind>tv|movie)/(?P<id>\d+)(?:-[^/]*)?"
    r"(?:/season/(?P<season>\d+)(?:/episode/(?P<episode>\d+))?)?"
)


class SourceFormatError(ValueError):
    """A file is not in the format of its source."""


def load_json(content: bytes) -> Any:
    """Read JSON.

    Raises:
        SourceFormatError: It is none.
    """
    try:
        return json.loads(content)
    except ValueError as error:
        message = f"is not JSON: {error}"
        raise SourceFormatError(message) from error


def mappings_of(items: Any) -> Iterator[Mapping[str, Any]]:
    """Go through a list of objects.

    Raises:
        SourceFormatError: It is none.
    """
    if not isinstance(items, list):
        message = f"holds no list of entries but {type(items).__name__}"
        raise SourceFormatError(message)
    for item in items:
        if not isinstance(item, Mapping):
            message = f"has an entry that is no object but {type(item).__name__}"
            raise SourceFormatError(message)
        yield item


def number_or_none(value: Any) -> int | None:
    """Return a whole number from a number or digits, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = str(value or "").strip()
    return int(text) if re.fullmatch(r"-?\d{1,9}", text, re.ASCII) else None


def day_in_japan(text: str) -> date | None:
    """Return the Japanese day of an ISO 8601 time, else None."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(JAPAN).date()


def tmdb_key(text: str) -> tuple[Work, int | None, int | None] | None:
    """Read an address of TMDB such as `tv/1429/season/0/episode/37`.

    Returns:
        The work, the season and the episode, or None where it is no such address.
    """
    match = _TMDB.fullmatch(text)
    if match is None:
        return None
    kind = WorkKind.SHOW if match["kind"] == "tv" else WorkKind.MOVIE
    work = Work(Provider.TMDB, kind, match["id"])
    return work, number_or_none(match["season"]), number_or_none(match["episode"])
