"""The rows of Trakt's tables, and what Trakt says about when something changed last.

A row that is gone at Trakt stays, with `removed_at`: what happened must remain known. A row
without it is what Trakt has now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class MediaType(StrEnum):
    """What a row is about."""

    MOVIE = "movie"
    SHOW = "show"
    SEASON = "season"
    EPISODE = "episode"

    @property
    def section(self) -> str:
        """Its name in Trakt's addresses and activities."""
        return f"{self}s"


@dataclass(frozen=True, slots=True)
class Play:
    """One play in the history; `trakt` to `slug` are the ids of the show or film.

    Attributes:
        history_id: Trakt's id of the play. Two plays may be in the same minute; this tells them
            apart.
        watched_at: When it was watched, by minutes, as its user may have changed it.
        action: `scrobble`, `checkin` or `watch`.
        number_abs: The episode's number counted through all seasons.
        first_aired: When the episode aired; a film's release.
        aired_episodes: How many episodes of the show have aired.
        first_seen_at: When this project saw the play first.
        removed_at: When this project saw that the play is gone.
    """

    history_id: int
    watched_at: datetime
    action: str
    media_type: str
    trakt: int
    tmdb: int | None
    tvdb: int | None
    imdb: str | None
    slug: str | None
    title: str
    original_title: str | None
    year: int | None
    genres: tuple[str, ...]
    season: int | None
    number: int | None
    number_abs: int | None
    episode_trakt: int | None
    episode_tmdb: int | None
    episode_tvdb: int | None
    episode_title: str | None
    first_aired: datetime | None
    aired_episodes: int | None
    first_seen_at: datetime
    removed_at: datetime | None = None

    @property
    def key(self) -> int:
        """What identifies it."""
        return self.history_id

    def continuing(self, known: "Play") -> "Play":
        """Return this play with what only the known row tells."""
        return replace(self, first_seen_at=known.first_seen_at)

    def removed(self, moment: datetime) -> "Play":
        """Return the row of this play when it is gone."""
        return replace(self, removed_at=moment)


@dataclass(frozen=True, slots=True)
class Rating:
    """One rating; `trakt` to `slug` are the ids of the show or film.

    Attributes:
        rating: 1 to 10.
        rated_at: When.
        removed_at: When this project saw that it is gone.
    """

    media_type: str
    trakt: int
    tmdb: int | None
    tvdb: int | None
    imdb: str | None
    slug: str | None
    title: str
    season: int | None
    number: int | None
    rating: int
    rated_at: datetime
    removed_at: datetime | None = None

    @property
    def key(self) -> tuple[str, int, int | None, int | None]:
        """What identifies it: what was rated."""
        return self.media_type, self.trakt, self.season, self.number

    def continuing(self, known: "Rating") -> "Rating":  # noqa: ARG002 - the rows' common form
        """Return this rating: a known row tells nothing more."""
        return self

    def removed(self, moment: datetime) -> "Rating":
        """Return the row of this rating when it is gone."""
        return replace(self, removed_at=moment)


@dataclass(frozen=True, slots=True)
class CollectedItem:
    """One film or episode of the collection; `trakt` to `slug` are those of the show or film.

    Attributes:
        collected_at: When it was added.
        removed_at: When this project saw that it is gone.
    """

    media_type: str
    trakt: int
    tmdb: int | None
    tvdb: int | None
    imdb: str | None
    slug: str | None
    title: str
    season: int | None
    number: int | None
    collected_at: datetime
    removed_at: datetime | None = None

    @property
    def key(self) -> tuple[str, int, int | None, int | None]:
        """What identifies it: what was collected."""
        return self.media_type, self.trakt, self.season, self.number

    def continuing(self, known: "CollectedItem") -> "CollectedItem":  # noqa: ARG002 - as above
        """Return this item: a known row tells nothing more."""
        return self

    def removed(self, moment: datetime) -> "CollectedItem":
        """Return the row of this item when it is gone."""
        return replace(self, removed_at=moment)


@dataclass(frozen=True)
class Activities:
    """When something last changed, as `GET /sync/last_activities` says.

    Attributes:
        moments: Trakt's own timestamps, as text, by section and activity, such as
            `("episodes", "watched_at")`.
    """

    moments: Mapping[tuple[str, str], str]

    def of(self, activity: str, *sections: str) -> dict[str, str]:
        """Return the timestamps of one activity, by section; empty text where there is none."""
        return {section: self.moments.get((section, activity), "") for section in sections}


@dataclass(frozen=True, slots=True)
class WatchedEntry:
    """One show or film of `GET /sync/watched`.

    Attributes:
        trakt: Trakt's id of it.
        plays: How many plays of it the history holds.
        last_updated_at: When any of them was added, changed or removed.
    """

    trakt: int
    plays: int
    last_updated_at: datetime | None
