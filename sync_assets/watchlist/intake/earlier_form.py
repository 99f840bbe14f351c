"""The `watchlist.json` of the program that came before, read as what it means now.

That file was written by several versions, and is known by its fields rather than by a format: a
list of items, or an object that holds the list, or one object per item or per user. What is not
known is left out; a number of the last episode means that all up to it are had.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sync_assets.watchlist.titles import EpisodeKind

_LISTS = ("watchlist", "items", "animes", "anime", "entries")
_NAMES: Mapping[str, tuple[str, ...]] = {
    "url": ("url", "anime_url", "source_url", "link"),
    "title": ("title", "anime_title", "anime_name", "name"),
    "provider": ("provider", "provider_id", "source"),
    "language": ("language", "lang"),
    "auto_download": ("auto_download",),
    "quality": ("quality", "quality_preference", "preferred_quality"),
    "poster_url": ("poster_url", "poster", "poster_image", "cover", "cover_image", "image_url"),
    "synopsis": ("synopsis", "description"),
    "genres": ("genres",),
    "status": ("status",),
    "check_interval_hours": ("check_interval_hours", "check_interval"),
    "expected_episodes": ("total_episodes", "episode_count"),
}
_LAST_EPISODE = ("last_episode_downloaded", "last_downloaded_episode", "last_episode")
_MOST_EPISODES = 5_000
_DEEPEST = 3


def translated(document: Any) -> list[dict[str, Any]] | None:
    """Return the items of an earlier document in the form of today; None where it holds none.

    Args:
        document: The parsed file.
    """
    entries = list(_entries(document, 0))
    return [_translated(entry) for entry in entries] if entries or document == [] else None


def _entries(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for each in value:
            yield from _entries(each, depth + 1)
    elif isinstance(value, Mapping):
        if _first(value, _NAMES["url"]) is not None:
            yield value
            return
        lists = [value[name] for name in _LISTS if name in value]
        for each in lists or value.values():
            yield from _entries(each, depth + 1)


def _translated(entry: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: _first(entry, names) for name, names in _NAMES.items()}
    item = {name: value for name, value in found.items() if value not in (None, "")}
    for name in ("provider", "language", "quality", "status"):
        if isinstance(item.get(name), str):
            item[name] = item[name].strip().lower()
    if "provider" in item:
        item["provider"] = str(item["provider"]).replace("-", "").replace("_", "")
    last = _first(entry, _LAST_EPISODE)
    if isinstance(last, int) and 0 < last <= _MOST_EPISODES:
        item["had"] = [f"{EpisodeKind.REGULAR}::{number}" for number in range(1, last + 1)]
    return item


def _first(entry: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)
