"""What Trakt says, read from the lake: plays, ratings and the collection of one account.

The columns are those of the assets `trakt/history`, `trakt/ratings` and `trakt/collection`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sync_assets.bangumi.matching.models import MediaType, WatchedItem
from sync_assets.catalog.models import Provider, Work, WorkKind
from sync_assets.lake import AbsentError, Lake

HISTORY = ("trakt", "history")
RATINGS = ("trakt", "ratings")
COLLECTION = ("trakt", "collection")
SOURCE = "trakt"

_PARTITION_SEPARATOR = "|"
_RATED = {"movie": MediaType.MOVIE, "show": MediaType.EPISODE, "season": MediaType.EPISODE}
"""What stands for a film, a show or a season that has a rating; Bangumi rates no episodes."""


@dataclass(frozen=True, slots=True)
class Watched:
    """An episode or a film of the account, with all its plays.

    Attributes:
        item: What the matching takes.
        work: The show or film, for telling items of one show together.
        title: What it is, for people.
        plays: How many plays Trakt has of it.
        removed_plays: How many plays were removed at Trakt.
        watched_at: The last play; of a removed item the last one before.
        is_collected_only: It was never watched; it is in the collection.
        is_rated_only: It was never watched; it, its season or its show has a rating.
        started_at: When a media server last began to play it.
    """

    item: WatchedItem
    work: str
    title: str
    plays: int = 0
    removed_plays: int = 0
    watched_at: datetime | None = None
    is_collected_only: bool = False
    is_rated_only: bool = False
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rating:
    """A rating that Trakt has.

    Attributes:
        media_type: movie, show, season or episode.
        work: The show or film.
        season: The season, where one is rated.
        rating: 1 to 10.
    """

    media_type: str
    work: str
    season: int | None
    rating: int


def read_watched(lake: Lake, account: str) -> list[Watched]:
    """Return what an account has watched, each episode and film once.

    Args:
        lake: The lake.
        account: The account.

    Raises:
        AbsentError: Nothing was fetched from Trakt for this account yet.
    """
    prefix = f"{account}{_PARTITION_SEPARATOR}"
    months = [key for key in lake.partitions(HISTORY) if key.startswith(prefix)]
    if not months:
        raise AbsentError(
            f"There is no history of the Trakt account {account} in the lake.",
            remedy="Connect the account and run trakt_to_bangumi, which fetches it first.",
        )
    found: dict[str, Watched] = {}
    for row in lake.table(HISTORY, partition=months).to_pylist():
        watched = _watched(row)
        known = found.get(watched.item.key)
        found[watched.item.key] = watched if known is None else _joined(known, watched)
    return list(found.values())


def read_ratings(lake: Lake, account: str) -> list[Rating]:
    """Return the ratings of an account; none where none were fetched."""
    return [
        Rating(row["media_type"], _work_key(row), row["season"], row["rating"])
        for row in _rows(lake, RATINGS, account)
    ]


def read_collected(lake: Lake, account: str) -> list[Watched]:
    """Return the collection of an account: each film, and of each show's season one episode."""
    found: dict[tuple[str, int | None], Watched] = {}
    rows = _rows(lake, COLLECTION, account)
    for row in sorted(rows, key=lambda each: each["number"] or 1):
        is_film = row["media_type"] == MediaType.MOVIE
        item = _item(
            row,
            MediaType.MOVIE if is_film else MediaType.EPISODE,
            row["season"],
            row["number"] or 1,
        )
        collected = Watched(item, _work_key(row), row["title"], is_collected_only=True)
        found.setdefault((collected.work, item.season), collected)
    return list(found.values())


def read_rated(lake: Lake, account: str, watched: Iterable[Watched]) -> list[Watched]:
    """Return what has a rating and no play: each film, and of each season or show one episode.

    Args:
        lake: The lake.
        account: The account.
        watched: What was watched.
    """
    played = {
        (each.work, season)
        for each in watched
        if each.item.season != 0
        for season in (each.item.season, None)
    }
    found: dict[str, Watched] = {}
    for row in _rows(lake, RATINGS, account):
        work, media_type = _work_key(row), row["media_type"]
        season = row["season"]
        # Specials are of many subjects, so the rating of all of them is none of one subject.
        if media_type not in _RATED or season == 0 or (work, season) in played:
            continue
        item = _item(row, _RATED[media_type], season or 1, 1)
        found[item.key] = Watched(item, work, row["title"], is_rated_only=True)
    return list(found.values())


def _rows(lake: Lake, asset: tuple[str, str], account: str) -> list[Mapping[str, Any]]:
    if not lake.exists(asset, partition=account):
        return []
    rows = lake.table(asset, partition=account).to_pylist()
    return [row for row in rows if row.get("removed_at") is None]


def _watched(row: Mapping[str, Any]) -> Watched:
    media_type = MediaType(row["media_type"])
    item = _item(row, media_type, row["season"], row["number"])
    title = row["title"] or row["original_title"] or item.key
    if media_type is MediaType.EPISODE:
        title = f"{title} {row['season']}x{row['number']:02}"
    is_removed = row["removed_at"] is not None
    return Watched(
        item,
        _work_key(row),
        title,
        plays=0 if is_removed else 1,
        removed_plays=1 if is_removed else 0,
        watched_at=row["watched_at"],
    )


def _joined(first: Watched, second: Watched) -> Watched:
    times = [
        each.watched_at
        for each in (first, second)
        if each.watched_at is not None and (each.plays or not (first.plays or second.plays))
    ]
    return replace(
        first,
        plays=first.plays + second.plays,
        removed_plays=first.removed_plays + second.removed_plays,
        watched_at=max(times, default=None),
    )


def _item(
    row: Mapping[str, Any], media_type: MediaType, season: int | None, number: int | None
) -> WatchedItem:
    is_episode = media_type is MediaType.EPISODE
    kind = WorkKind.SHOW if is_episode else WorkKind.MOVIE
    works = tuple(
        Work(provider, kind, str(row[provider]))
        for provider in (Provider.TRAKT, Provider.TMDB, Provider.TVDB, Provider.IMDB)
        if row.get(provider) is not None
    )
    work = _work_key(row)
    return WatchedItem(
        key=f"{work}/{season}x{number}" if is_episode else work,
        media_type=media_type,
        title=row["title"] or "",
        works=works,
        original_title=row.get("original_title"),
        year=row.get("year"),
        season=season if is_episode else None,
        number=number if is_episode else None,
        absolute_number=row.get("number_abs"),
        release_date=_day(row.get("first_aired")),
        genres=frozenset(genre.lower() for genre in row.get("genres") or ()),
        source=SOURCE,
    )


def _work_key(row: Mapping[str, Any]) -> str:
    """Return what tells shows and films apart: Trakt's id, else the next best."""
    kind = "movie" if row["media_type"] == "movie" else "show"
    for provider in ("trakt", "tmdb", "tvdb", "imdb"):
        if row.get(provider) is not None:
            return f"{kind}/{provider}/{row[provider]}"
    return f"{kind}/title/{row['title']}"


def _day(moment: datetime | date | None) -> date | None:
    return moment.date() if isinstance(moment, datetime) else moment
