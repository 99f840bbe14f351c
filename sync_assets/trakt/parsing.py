"""Trakt's JSON as rows. An item that makes no sense is an `ItemError`, the others go on.

Source of the fields: Trakt's OpenAPI description, 2026-07-30.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sync_assets.trakt.models import (
    Activities,
    CollectedItem,
    MediaType,
    Play,
    Rating,
    WatchedEntry,
)

Json = Mapping[str, Any]


class ItemError(ValueError):
    """An item of an answer that cannot be read; the text says which and why."""


def moment(text: Any) -> datetime | None:
    """Read a timestamp or a date; None where there is none.

    Raises:
        ItemError: It is neither.
    """
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        message = f"{text!r} is no timestamp"
        raise ItemError(message) from None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def parse_activities(content: Any) -> Activities:
    """Read `GET /sync/last_activities`.

    Raises:
        ItemError: It is something else.
    """
    if not isinstance(content, Mapping) or "episodes" not in content or "movies" not in content:
        message = "the last activities name neither episodes nor movies"
        raise ItemError(message)
    return Activities(
        {
            (section, activity): str(at)
            for section, activities in content.items()
            if isinstance(activities, Mapping)
            for activity, at in activities.items()
        }
    )


def parse_play(item: Json, seen_at: datetime) -> Play:
    """Read an item of `GET /sync/history`.

    Args:
        item: The item, with `extended=full`.
        seen_at: Now.

    Raises:
        ItemError: It cannot be read.
    """
    history_id = item.get("id")
    try:
        media_type = MediaType(item["type"])
        of_episode = media_type is MediaType.EPISODE
        subject = item["show"] if of_episode else item["movie"]
        episode = item["episode"] if of_episode else {}
        episode_ids = episode.get("ids", {})
        return Play(
            history_id=int(item["id"]),
            watched_at=_required_moment(item, "watched_at"),
            action=str(item["action"]),
            media_type=str(media_type),
            **_ids(subject),
            title=_title(subject),
            original_title=subject.get("original_title") or None,
            year=_integer(subject.get("year")),
            genres=tuple(str(genre) for genre in subject.get("genres") or ()),
            season=_required_integer(episode, "season") if of_episode else None,
            number=_required_integer(episode, "number") if of_episode else None,
            number_abs=_integer(episode.get("number_abs")),
            episode_trakt=_integer(episode_ids.get("trakt")),
            episode_tmdb=_integer(episode_ids.get("tmdb")),
            episode_tvdb=_integer(episode_ids.get("tvdb")),
            episode_title=episode.get("title") or None,
            first_aired=moment(
                episode.get("first_aired") if of_episode else subject.get("released")
            ),
            aired_episodes=_integer(subject.get("aired_episodes")),
            first_seen_at=seen_at,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _item_error(f"play {history_id}", error) from error


def parse_rating(item: Json) -> Rating:
    """Read an item of `GET /sync/ratings`.

    Raises:
        ItemError: It cannot be read.
    """
    try:
        media_type = MediaType(item["type"])
        is_film = media_type is MediaType.MOVIE
        subject = item["movie"] if is_film else item["show"]
        season, number = _numbers(media_type, item)
        return Rating(
            media_type=str(media_type),
            **_ids(subject),
            title=_title(subject),
            season=season,
            number=number,
            rating=int(item["rating"]),
            rated_at=_required_moment(item, "rated_at"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _item_error(f"rating of {_name_of(item)}", error) from error


def parse_collected(item: Json) -> list[CollectedItem]:
    """Read an item of `GET /sync/collection`: a film, or a show with its collected episodes.

    Raises:
        ItemError: It cannot be read.
    """
    try:
        if "movie" in item:
            return [_collected(MediaType.MOVIE, item["movie"], item, None, None)]
        return [
            _collected(
                MediaType.EPISODE,
                item["show"],
                episode,
                _required_integer(season, "number"),
                _required_integer(episode, "number"),
            )
            for season in item["seasons"] or ()
            for episode in season["episodes"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _item_error(f"collected {_name_of(item)}", error) from error


def parse_watched(item: Json, media_type: MediaType) -> WatchedEntry:
    """Read an item of `GET /sync/watched`.

    Raises:
        ItemError: It cannot be read.
    """
    try:
        return WatchedEntry(
            trakt=int(item[media_type]["ids"]["trakt"]),
            plays=int(item["plays"]),
            last_updated_at=moment(item.get("last_updated_at")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _item_error(f"watched {_name_of(item)}", error) from error


def _collected(
    media_type: MediaType, subject: Json, entry: Json, season: int | None, number: int | None
) -> CollectedItem:
    return CollectedItem(
        media_type=str(media_type),
        **_ids(subject),
        title=_title(subject),
        season=season,
        number=number,
        collected_at=_required_moment(entry, "collected_at"),
    )


def _numbers(media_type: MediaType, item: Json) -> tuple[int | None, int | None]:
    if media_type is MediaType.SEASON:
        return _required_integer(item["season"], "number"), None
    if media_type is MediaType.EPISODE:
        episode = item["episode"]
        return _required_integer(episode, "season"), _required_integer(episode, "number")
    return None, None


def _ids(subject: Json) -> dict[str, Any]:
    ids = subject["ids"]
    return {
        "trakt": int(ids["trakt"]),
        "tmdb": _integer(ids.get("tmdb")),
        "tvdb": _integer(ids.get("tvdb")),
        "imdb": ids.get("imdb") or None,
        "slug": ids.get("slug") or None,
    }


def _title(subject: Json) -> str:
    return str(subject.get("title") or "")


def _integer(value: Any) -> int | None:
    return int(value) if value or value == 0 else None


def _required_integer(holder: Json, name: str) -> int:
    return int(holder[name])


def _required_moment(holder: Json, name: str) -> datetime:
    read = moment(holder[name])
    if read is None:
        raise KeyError(name)
    return read


def _name_of(item: Any) -> str:
    for name in ("show", "movie"):
        subject = item.get(name) if isinstance(item, Mapping) else None
        if isinstance(subject, Mapping):
            return str(subject.get("title"))
    return "item"


def _item_error(name: str, error: Exception) -> ItemError:
    missing = isinstance(error, KeyError)
    return ItemError(f"{name}: {f'{error.args[0]} is missing' if missing else error}")
