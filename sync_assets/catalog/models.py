"""What mapping sources say, in one form: subjects, identities, links, redirects, counts."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple


class Namespace(StrEnum):
    """Whose number identifies an anime."""

    BANGUMI = "bangumi"
    ANIDB = "anidb"
    MAL = "mal"
    ANILIST = "anilist"


class Target(NamedTuple):
    """An anime, as a source names it.

    Attributes:
        namespace: Whose number it is.
        number: The number.
    """

    namespace: Namespace
    number: int


class Provider(StrEnum):
    """Whose id identifies a show or a film on the viewer's side."""

    TMDB = "tmdb"
    TVDB = "tvdb"
    IMDB = "imdb"
    TRAKT = "trakt"


class WorkKind(StrEnum):
    """What kind of work an id belongs to."""

    SHOW = "show"
    MOVIE = "movie"


class Work(NamedTuple):
    """A show or a film, as the viewer's side names it.

    Attributes:
        provider: Whose id it is.
        kind: Show or film.
        identifier: The id.
    """

    provider: Provider
    kind: WorkKind
    identifier: str


class SubjectKind(StrEnum):
    """How an anime was published."""

    TV = "tv"
    WEB = "web"
    OVA = "ova"
    MOVIE = "movie"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Subject:
    """A Bangumi subject.

    Attributes:
        number: Its Bangumi id.
        name: Its original title.
        titles: All titles that are known, the original one included.
        kind: How it was published.
        begin: The day of its first episode in Japan; of a month only, its first day.
        begin_is_exact: Whether `begin` is a day, not only a month.
        end: The day of its last episode.
        episodes: How many main episodes it has.
        episodes_are_estimated: Whether that is reckoned from the dates.
        name_cn: Its Chinese title, simplified where there is one; empty where none is known.
    """

    number: int
    name: str
    titles: tuple[str, ...] = ()
    kind: SubjectKind = SubjectKind.UNKNOWN
    begin: date | None = None
    begin_is_exact: bool = False
    end: date | None = None
    episodes: int | None = None
    episodes_are_estimated: bool = False
    name_cn: str = ""


class Link(NamedTuple):
    """That episodes of a work are episodes of an anime.

    Without `season` the anime belongs to the work, nobody says where. Without `first` it is
    somewhere in that season. Without `last` it goes on from there for as long as it has episodes.

    Attributes:
        target: The anime.
        work: The show or film.
        season: The work's season.
        first: The first episode of the work's season that is meant.
        last: The last one.
        target_first: The anime's episode that `first` is.
        is_special: Whether the anime's own specials are meant, not its main episodes.
    """

    target: Target
    work: Work
    season: int | None = None
    first: int | None = None
    last: int | None = None
    target_first: int | None = None
    is_special: bool = False


class Redirect(NamedTuple):
    """That episodes numbered on past the end of an anime are those of another one.

    Attributes:
        target: The anime whose numbering is continued.
        first: The first number of that kind.
        last: The last one, where it is known.
        destination: The other anime.
        destination_first: Its episode that `first` is.
    """

    target: Target
    first: int
    last: int | None
    destination: Target
    destination_first: int


@dataclass(slots=True)
class SourceContent:
    """What one source says.

    Attributes:
        subjects: Bangumi subjects.
        identities: Pairs of names of the same anime.
        links: Links.
        redirects: Redirects.
        episode_counts: How many main episodes an anime has.
        entries: How many entries were read, to notice a source that lost half of them.
        skipped: How many entries nothing could be made of.
    """

    subjects: list[Subject] = field(default_factory=list)
    identities: list[tuple[Target, Target]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    episode_counts: dict[Target, int] = field(default_factory=dict)
    entries: int = 0
    skipped: int = 0
