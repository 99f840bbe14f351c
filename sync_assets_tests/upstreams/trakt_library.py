"""What a Trakt account holds, in the stand-in: plays, ratings, collection and activities.

Objects have the fields of Trakt's OpenAPI description (2026-07-30); `extended=full` adds some.
"""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Item = dict[str, Any]
FULL_ONLY = ("original_title", "genres", "aired_episodes", "first_aired", "released", "number_abs")
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


def text_of(moment: datetime) -> str:
    """Return a timestamp as Trakt writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def show(number: int, *, genres: tuple[str, ...] = ("anime",), **fields: Any) -> Item:
    """Return a show with all its fields."""
    return {
        "title": f"Show {number}",
        "year": 2000 + number % 25,
        "ids": {
            "trakt": number,
            "slug": f"show-{number}",
            "tvdb": 300_000 + number,
            "imdb": f"tt{number:07d}",
            "tmdb": 60_000 + number,
        },
        "original_title": f"番組 {number}",
        "genres": list(genres),
        "aired_episodes": 25,
        "first_aired": "2020-01-01T00:00:00.000Z",
        **fields,
    }


def movie(number: int, **fields: Any) -> Item:
    """Return a film with all its fields."""
    return {
        "title": f"Film {number}",
        "year": 2016,
        "ids": {
            "trakt": 900_000 + number,
            "slug": f"film-{number}-2016",
            "imdb": f"tt9{number:06d}",
            "tmdb": 370_000 + number,
        },
        "original_title": f"映画 {number}",
        "genres": ["anime"],
        "released": "2016-08-26",
        **fields,
    }


def episode(of: Item, season: int, number: int) -> Item:
    """Return an episode with all its fields."""
    trakt = of["ids"]["trakt"] * 10_000 + season * 1_000 + number
    aired = EPOCH + timedelta(days=7 * number)
    return {
        "season": season,
        "number": number,
        "title": f"Episode {number}",
        "ids": {"trakt": trakt, "tvdb": trakt + 1, "imdb": "", "tmdb": trakt + 2},
        "number_abs": (season - 1) * 12 + number if season else None,
        "first_aired": text_of(aired),
    }


def shortened(item: Item) -> Item:
    """Return an object as it is without `extended=full`."""
    return {name: value for name, value in item.items() if name not in FULL_ONLY}


@dataclass
class Library:
    """What one account holds. `now` is the time at which it changes."""

    name: str
    now: datetime = EPOCH
    plays: list[Item] = field(default_factory=list)
    ratings: list[Item] = field(default_factory=list)
    collection: list[Item] = field(default_factory=list)
    activities: dict[str, dict[str, str]] = field(default_factory=dict)
    updated: dict[tuple[str, int], datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ids = itertools.count(1_000_000_001)
        for section in ("movies", "episodes", "shows", "seasons"):
            names = ("watched_at", "collected_at", "rated_at", "watchlisted_at")
            self.activities[section] = dict.fromkeys(names, text_of(EPOCH))

    def advance(self, **delta: float) -> None:
        """Let time pass."""
        self.now += timedelta(**delta)

    def watch(
        self, of: Item, season: int = 1, number: int = 1, *, watched_at: datetime | None = None
    ) -> int:
        """Add a play; without a season's episode for a film. Returns the history id."""
        is_movie = "released" in of
        # Trakt keeps minutes.
        moment = (watched_at or self.now).replace(second=0, microsecond=0)
        play: Item = {
            "id": next(self._ids),
            "watched_at": text_of(moment),
            "action": "scrobble",
            "type": "movie" if is_movie else "episode",
        }
        play |= {"movie": of} if is_movie else {"episode": episode(of, season, number), "show": of}
        self.plays.append(play)
        self._touch(play)
        return play["id"]

    def remove(self, history_id: int) -> None:
        """Delete a play."""
        (play,) = [each for each in self.plays if each["id"] == history_id]
        self.plays.remove(play)
        self._touch(play)

    def redate(self, history_id: int, watched_at: datetime) -> None:
        """Change when a play was."""
        (play,) = [each for each in self.plays if each["id"] == history_id]
        play["watched_at"] = text_of(watched_at)
        self._touch(play)

    def rate(self, kind: str, item: Item, rating: int, **numbers: int) -> None:
        """Rate a movie, show, season (`season=`) or episode (`season=`, `number=`)."""
        self.unrate(kind, item, **numbers)
        entry = {"rated_at": text_of(self.now), "rating": rating, "type": kind}
        self.ratings.append(entry | self._subject(kind, item, **numbers))
        self._mark(f"{kind}s", "rated_at")

    def unrate(self, kind: str, item: Item, **numbers: int) -> None:
        """Remove a rating."""
        subject = self._subject(kind, item, **numbers)
        self.ratings = [each for each in self.ratings if not subject.items() <= each.items()]
        self._mark(f"{kind}s", "rated_at")

    def collect(self, item: Item, season: int | None = None, number: int | None = None) -> None:
        """Add a film, or an episode of a show, to the collection."""
        entry = {"item": item, "season": season, "number": number}
        self.collection.append({**entry, "collected_at": text_of(self.now)})
        self._mark("movies" if season is None else "episodes", "collected_at")

    def uncollect(self, item: Item, season: int | None = None, number: int | None = None) -> None:
        """Remove from the collection."""
        wanted = (item["ids"]["trakt"], season, number)
        self.collection = [
            each
            for each in self.collection
            if (each["item"]["ids"]["trakt"], each["season"], each["number"]) != wanted
        ]
        self._mark("movies" if season is None else "episodes", "collected_at")

    def fill(self, plays: int, shows: int) -> None:
        """Add many plays of many shows, in order of time."""
        of = [show(number) for number in range(1, shows + 1)]
        step = timedelta(minutes=100)
        for number in range(plays):
            self.now += step
            each = of[number % shows]
            self.watch(each, 1 + number // shows // 12, 1 + number // shows % 12)

    def watched(self, kind: str) -> list[Item]:
        """Return `/sync/watched/{kind}`: one entry per show or film."""
        field_name = kind.removesuffix("s")
        entries: dict[int, Item] = {}
        for play in self.plays:
            if field_name not in play:
                continue
            item = play[field_name]
            trakt = item["ids"]["trakt"]
            entry = entries.setdefault(
                trakt, {"plays": 0, "last_watched_at": "", "reset_at": None, field_name: item}
            )
            entry["plays"] += 1
            entry["last_watched_at"] = max(entry["last_watched_at"], play["watched_at"])
            entry["last_updated_at"] = text_of(self.updated[field_name, trakt])
        return list(entries.values())

    def collected(self, kind: str) -> list[Item]:
        """Return `/sync/collection/{kind}`."""
        if kind == "movies":
            return [
                {"type": "movie", "movie": each["item"], "collected_at": each["collected_at"]}
                | {"updated_at": each["collected_at"]}
                for each in self.collection
                if each["season"] is None
            ]
        entries: dict[int, Item] = {}
        for each in self.collection:
            if each["season"] is None:
                continue
            entry = entries.setdefault(
                each["item"]["ids"]["trakt"], {"show": each["item"], "seasons": []}
            )
            seasons = {season["number"]: season for season in entry["seasons"]}
            if each["season"] not in seasons:
                entry["seasons"].append({"number": each["season"], "episodes": []})
                seasons[each["season"]] = entry["seasons"][-1]
            seasons[each["season"]]["episodes"].append(
                {"number": each["number"], "collected_at": each["collected_at"]}
            )
        return list(entries.values())

    def _subject(self, kind: str, item: Item, **numbers: int) -> Item:
        if kind in {"movie", "show"}:
            return {kind: item}
        if kind == "season":
            ids = {"trakt": item["ids"]["trakt"] * 100 + numbers["season"], "tmdb": 7}
            return {"season": {"number": numbers["season"], "ids": ids}, "show": item}
        return {"episode": episode(item, numbers["season"], numbers["number"]), "show": item}

    def _touch(self, play: Item) -> None:
        kind = "movie" if play["type"] == "movie" else "show"
        self.updated[kind, play[kind]["ids"]["trakt"]] = self.now
        self._mark("movies" if kind == "movie" else "episodes", "watched_at")

    def _mark(self, section: str, activity: str) -> None:
        self.activities[section][activity] = text_of(self.now)
