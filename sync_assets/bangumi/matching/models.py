"""What goes into the matching and what comes out of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

from sync_assets.catalog.models import Provider, Work, WorkKind

_PROVIDERS = tuple(Provider)


class MediaType(StrEnum):
    """What was watched."""

    EPISODE = "episode"
    MOVIE = "movie"


class EpisodeType(StrEnum):
    """Which of a subject's numberings an episode is in."""

    MAIN = "main"
    SPECIAL = "special"


class Method(StrEnum):
    """How a place was found; `docs/matching.md` explains each."""

    OVERRIDE = "override"
    EXACT_EPISODE = "exact_episode"
    EPISODE_RANGE = "episode_range"
    SINGLE_SUBJECT = "single_subject"
    CUMULATIVE = "cumulative"
    AIR_DATE = "air_date"
    ABSOLUTE_NUMBER = "absolute_number"
    MOVIE = "movie"
    TITLE = "title"
    SEARCH = "search"


class MatchStatus(StrEnum):
    """What becomes of an item.

    `matched` may be reported, `review` waits for a person, `not_anime` and `ignored` are left
    alone, `postponed` could not be looked up now and is tried again.
    """

    MATCHED = "matched"
    REVIEW = "review"
    NOT_ANIME = "not_anime"
    IGNORED = "ignored"
    POSTPONED = "postponed"


@dataclass(frozen=True, slots=True)
class WatchedItem:
    """An episode or a film that was watched, from Trakt or from a media server.

    Attributes:
        key: What the caller knows it by, such as the id in Trakt's history.
        media_type: Episode or film.
        title: The show's or film's title.
        works: Its ids; empty where the source knows none, as with webhooks.
        original_title: Its title in its own language.
        year: The year in which the show or film began.
        season: The season; 0 for specials, None for films.
        number: The episode's number in the season.
        absolute_number: Its number from the beginning of the show.
        release_date: The day on which the episode or film was first seen.
        genres: Genres in lower case; empty where they are not known.
        user: Whose it is.
        source: Where it comes from, such as `trakt` or `plex`.
    """

    key: str
    media_type: MediaType
    title: str
    works: tuple[Work, ...] = ()
    original_title: str | None = None
    year: int | None = None
    season: int | None = None
    number: int | None = None
    absolute_number: int | None = None
    release_date: date | None = None
    genres: frozenset[str] = frozenset()
    user: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class CustomItem:
    """An episode or a film, as media servers and `POST /api/v1/custom` name it.

    A film has neither season nor episode; `media_type` tells the two apart.

    Attributes:
        media_type: Episode or film.
        title: The show's or film's title.
        original_title: Its title in its own language.
        season: The season, 0 for specials.
        episode: The episode's number in the season.
        release_date: The day on which the episode or film was first seen.
        year: The year in which the show or film began.
        works: The show's or film's ids, never the episode's; most media servers send none for
            episodes.
        user: Whose it is.
        source: Where it comes from.
    """

    media_type: MediaType
    title: str
    original_title: str | None = None
    season: int | None = None
    episode: int | None = None
    release_date: date | None = None
    year: int | None = None
    works: tuple[Work, ...] = ()
    user: str | None = None
    source: str = "custom"

    @property
    def work(self) -> str:
        """What tells shows and films apart: the best of its ids, else its title."""
        kind = WorkKind.SHOW if self.media_type is MediaType.EPISODE else WorkKind.MOVIE
        best = min(self.works, key=lambda work: _PROVIDERS.index(work.provider), default=None)
        name = f"title/{self.title}" if best is None else f"{best.provider}/{best.identifier}"
        return f"custom/{kind}/{name}"

    def as_watched_item(self) -> WatchedItem:
        """Return it in the form that the matcher takes."""
        is_episode = self.media_type is MediaType.EPISODE
        season = 1 if self.season is None else self.season
        place = f"/{season}x{self.episode}" if is_episode else ""
        # Shows of the same name are told apart by their days.
        day = "" if self.works or self.release_date is None else f"/{self.release_date}"
        return WatchedItem(
            key=f"{self.work}{place}{day}",
            media_type=self.media_type,
            title=self.title,
            works=self.works,
            original_title=self.original_title,
            year=self.year,
            season=season if is_episode else None,
            number=self.episode if is_episode else None,
            release_date=self.release_date,
            user=self.user,
            source=self.source,
        )


@dataclass(frozen=True, slots=True)
class Placement:
    """One source's or rule's answer: which episode of which subject.

    Attributes:
        subject: The Bangumi subject.
        episode: The episode's number within the subject, from 1.
        method: How it was found.
        source: Who says so.
        confidence: How far that alone can be trusted, from 0 to 1.
        episode_type: Main episode or special.
    """

    subject: int
    episode: int
    method: Method
    source: str
    confidence: float
    episode_type: EpisodeType = EpisodeType.MAIN

    @property
    def place(self) -> tuple[int, int, EpisodeType]:
        """What two answers must share to be the same answer."""
        return self.subject, self.episode, self.episode_type


@dataclass(frozen=True, slots=True)
class Match:
    """What became of an item.

    Attributes:
        key: The item's.
        status: What becomes of it.
        subject: The Bangumi subject, where there is an answer.
        episode: The episode's number within the subject.
        episode_type: Main episode or special.
        method: How it was found.
        confidence: From 0 to 1; a match's is at least the configured one.
        evidence: Why, one reason each, for people.
        candidates: Subjects that may be meant, the likeliest first, for the review.
    """

    key: str
    status: MatchStatus
    subject: int | None = None
    episode: int | None = None
    episode_type: EpisodeType = EpisodeType.MAIN
    method: Method | None = None
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()
    candidates: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A subject that Bangumi's search found.

    Attributes:
        subject: Its number.
        name: Its original title.
        name_cn: Its Chinese title, possibly empty.
        begin: The day of its first episode.
        episodes: How many main episodes it has.
        is_movie: Whether it is a film.
    """

    subject: int
    name: str
    name_cn: str = ""
    begin: date | None = None
    episodes: int | None = None
    is_movie: bool = False


class BangumiSearch(Protocol):
    """Bangumi's search for anime, one request per call; whoever implements it obeys the limits."""

    def search(self, keyword: str, *, begin: date | None, end: date | None) -> Sequence[SearchHit]:
        """Search for subjects.

        Args:
            keyword: A title.
            begin: Subjects that began earlier are not meant.
            end: Subjects that began on this day or later are not meant.

        Returns:
            The subjects, the best first.

        Raises:
            SyncError: Bangumi could not be asked. That is not the same as nothing found.
        """
        ...


@dataclass(frozen=True, slots=True)
class MatchingRules:
    """How the matching decides.

    Attributes:
        minimum_confidence: Below it nothing is matched without a person's answer.
        blocked_words: Items with one of these in a title are left alone.
        anime_genres: Genres that make an item anime where the catalogue does not know it.
    """

    minimum_confidence: float = 0.9
    blocked_words: tuple[str, ...] = ()
    anime_genres: frozenset[str] = field(
        default_factory=lambda: frozenset({"anime", "donghua", "animation"})
    )
