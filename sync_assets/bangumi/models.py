"""What Bangumi says about subjects, episodes and a user's collection."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum


class CollectionType(IntEnum):
    """What a subject is in a user's collection; the numbers are the API's."""

    WISH = 1
    COLLECTED = 2
    WATCHING = 3
    ON_HOLD = 4
    DROPPED = 5

    @property
    def label(self) -> str:
        """What Bangumi's pages call it."""
        return ("想看", "看过", "在看", "搁置", "抛弃")[self - 1]


class EpisodeState(IntEnum):
    """What an episode is to a user; the numbers are the API's."""

    NONE = 0
    WISH = 1
    WATCHED = 2
    DROPPED = 3

    @property
    def label(self) -> str:
        """What Bangumi's pages call it."""
        return ("未标记", "想看", "看过", "抛弃")[self]


class EpisodeKind(IntEnum):
    """Which of a subject's numberings an episode is in; the numbers are the API's."""

    MAIN = 0
    SPECIAL = 1


@dataclass(frozen=True, slots=True)
class SubjectInformation:
    """What Bangumi says about a subject.

    Attributes:
        number: Its id.
        name: Its original title.
        name_cn: Its Chinese title; empty where there is none.
        begin: The day of its first episode.
        episodes: How many main episodes it has.
        is_anime: Whether it is an anime; else a book, a game, music, or something real.
    """

    number: int
    name: str
    name_cn: str
    begin: date | None
    episodes: int | None
    is_anime: bool


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode of a subject, with what it is to the user.

    Attributes:
        episode_id: Its id.
        kind: The API's number of its kind; `EpisodeKind` names those that are marked.
        sort: Its number, which may go on from the subject before, and may be a fraction.
        ep: Its number within the subject, from 1; None where Bangumi has none.
        air_date: The day of its broadcast.
        state: What it is to the user.
    """

    episode_id: int
    kind: int
    sort: float
    ep: float | None
    air_date: date | None
    state: EpisodeState


@dataclass(frozen=True, slots=True)
class Collected:
    """A subject in a user's collection.

    Attributes:
        type: What it is there.
        rate: The user's rating, 1 to 10; 0 without one.
        episodes: How many main episodes Bangumi says it has; None where it does not say.
    """

    type: CollectionType
    rate: int
    episodes: int | None = None


@dataclass(frozen=True, slots=True)
class SubjectState:
    """A subject as Bangumi has it now.

    Attributes:
        collected: What it is in the collection; None where it is not there.
        episodes: All its episodes by id.
    """

    collected: Collected | None
    episodes: Mapping[int, Episode]

    @property
    def main_episodes(self) -> list[Episode]:
        """The main episodes, in their order."""
        main = [each for each in self.episodes.values() if each.kind == EpisodeKind.MAIN]
        return sorted(main, key=lambda episode: episode.sort)
