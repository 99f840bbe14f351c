"""What a release name says: the result of reading it. Nothing here reads."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class EpisodeKind(StrEnum):
    """What an episode is. Numbers of different kinds have nothing to do with each other."""

    REGULAR = "regular"
    SPECIAL = "special"
    MOVIE = "movie"
    EXTRA = "extra"
    """Openings, endings, trailers, menus: beside the work, never an episode of it."""


class Language(StrEnum):
    """What a release can be watched in, as providers distinguish it."""

    VOSTFR = "vostfr"
    VF = "vf"
    ENGLISH = "en"
    JAPANESE = "ja"
    CHINESE = "zh"
    CHINESE_SIMPLIFIED = "zh-Hans"
    CHINESE_TRADITIONAL = "zh-Hant"
    CANTONESE = "yue"
    KOREAN = "ko"
    GERMAN = "de"
    ITALIAN = "it"
    SPANISH = "es"
    PORTUGUESE = "pt"
    RUSSIAN = "ru"
    UKRAINIAN = "uk"
    POLISH = "pl"
    TURKISH = "tr"
    DUTCH = "nl"
    ARABIC = "ar"
    MULTIPLE = "mul"


@dataclass(frozen=True, slots=True)
class EpisodeNumbers:
    """The episodes that a name speaks of.

    Attributes:
        first: The first number; 12.5 and 0 are numbers like any other.
        last: The last one; the same as `first` where it is one episode.
        suffix: A letter behind the number, as in 111C.
    """

    first: Decimal
    last: Decimal
    suffix: str = ""

    @property
    def is_range(self) -> bool:
        """Whether it is more than one episode."""
        return self.last != self.first

    def __contains__(self, number: object) -> bool:
        """Whether a number lies between the first and the last one."""
        return isinstance(number, Decimal | int) and self.first <= number <= self.last

    def __str__(self) -> str:
        shown = f"{self.first.normalize():f}{self.suffix}"
        return f"{shown}-{self.last.normalize():f}" if self.is_range else shown


@dataclass(frozen=True, slots=True)
class Reading:
    """How one reader understood the number of a name.

    Attributes:
        reader: Who read it: `rules` or `anitopy`.
        season: The season, if it found one.
        episodes: The numbers, if it found any.
    """

    reader: str
    season: int | None
    episodes: EpisodeNumbers | None


@dataclass(frozen=True, slots=True)
class ReleaseName:
    """What a release name says.

    Attributes:
        name: The name itself.
        title: The work's title; of several the one in Latin letters. None where there is none.
        alternative_titles: Its other titles.
        season: The season, if the name says one; 0 holds specials.
        episodes: The numbers within the season, or from the beginning where there is none.
        absolute: The numbers from the beginning, where the name gives these as well.
        kind: What it is.
        version: Of the release; 1 unless the name says otherwise.
        part: The part of a season or a film, if the name says one.
        is_batch: Whether it holds several episodes, or a whole season.
        resolution: Lines of the picture. None where nothing says so.
        is_resolution_stated: Whether the name gives it; else the medium or the format implies it.
        source: The medium, such as `bluray` or `web`.
        group: Who made the release.
        languages: What it can be watched in.
        checksum: CRC32 of the file, in upper case.
        year: The year, if the name says one.
        extension: The file's extension without its dot, in lower case.
        readings: How both readers understood the number; empty where one was enough, or the second
            found none.
        needs_review: Whether they differ, so that a person should look before it counts.
    """

    name: str
    title: str | None = None
    alternative_titles: tuple[str, ...] = ()
    season: int | None = None
    episodes: EpisodeNumbers | None = None
    absolute: EpisodeNumbers | None = None
    kind: EpisodeKind = EpisodeKind.REGULAR
    version: int = 1
    part: int | None = None
    is_batch: bool = False
    resolution: int | None = None
    is_resolution_stated: bool = False
    source: str | None = None
    group: str | None = None
    languages: tuple[Language, ...] = ()
    checksum: str | None = None
    year: int | None = None
    extension: str | None = None
    readings: tuple[Reading, ...] = field(default=())
    needs_review: bool = False
