"""What providers are asked for and what they answer. Nothing here fetches or parses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sync_assets.watchlist.titles import EpisodeKind


class ListStatus(StrEnum):
    """What became of looking for episodes."""

    OK = "ok"
    """The list was read. It may be empty, or unchanged."""
    NO_DATA = "no_data"
    """The provider answered, but with no list: this says nothing about the episodes."""
    BROKEN = "broken"
    """The provider could not be asked, or its page has another form than it had."""
    BLOCKED = "blocked"
    """The provider does not want programs: a challenge, a captcha or a refusal."""


class VariantKind(StrEnum):
    """What the address of a variant leads to."""

    HTTP = "http"
    TORRENT = "torrent"
    MAGNET = "magnet"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class PageState:
    """What a server gave to ask it next time whether a page has changed.

    Attributes:
        etag: The header ETag.
        last_modified: The header Last-Modified.
    """

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class SeriesReference:
    """What a user watches.

    Attributes:
        url: The address that the user gave.
        title: The title to look for where a list holds several works; without it, all count.
        language: The wanted language as providers name it, such as `vostfr`.
    """

    url: str
    title: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Season:
    """A part of a series as its provider divides it.

    Attributes:
        key: The provider's own name of it.
        title: Its title.
        number: Its number; None where it has none, as films.
        kind: What its episodes are.
        languages: What it can be watched in.
    """

    key: str
    title: str
    number: int | None = None
    kind: EpisodeKind = EpisodeKind.REGULAR
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to get an episode.

    Attributes:
        uri: Its address.
        kind: What is there.
        key: What it is known by: two variants with the same key are the same.
        name: The release name, or the name of the host.
        resolution: Lines of the picture.
        group: Who made it.
        version: Of the release.
        language: What it can be watched in.
        size_bytes: The size; None where it is not known.
        infohash: Of a torrent, 40 hexadecimal digits in lower case.
    """

    uri: str
    kind: VariantKind
    key: str
    name: str = ""
    resolution: int | None = None
    group: str | None = None
    version: int = 1
    language: str | None = None
    size_bytes: int | None = None
    infohash: str | None = None


@dataclass(frozen=True, slots=True)
class EpisodeReference:
    """An episode, or a batch of them, at a provider.

    Attributes:
        key: What it is known by within the series, always the same.
        season: The season; None where episodes count from the beginning.
        number: The number; None where there is none, as for a film.
        last_number: The last number of a batch, otherwise the same as `number`.
        kind: What it is.
        title: Its own title.
        published_at: When it appeared.
        variants: The ways to get it, in the provider's order.
        needs_review: Whether the number is doubtful.
    """

    key: str
    season: int | None
    number: Decimal | None
    last_number: Decimal | None
    kind: EpisodeKind = EpisodeKind.REGULAR
    title: str = ""
    published_at: datetime | None = None
    variants: tuple[Variant, ...] = ()
    needs_review: bool = False

    @property
    def is_batch(self) -> bool:
        """Whether it is more than one episode."""
        return self.number != self.last_number


@dataclass(frozen=True, slots=True)
class ListResult:
    """What a provider lists.

    Attributes:
        status: What became of looking.
        episodes: What it lists. Less than before means nothing: providers drop what is old.
        state: What to ask with next time, by address.
        is_unchanged: Whether nothing changed since the state that was given.
        title: The series' title as the provider writes it.
        message: What went wrong, for people.
        retry_after_seconds: How long the provider asks to be left alone.
    """

    status: ListStatus
    episodes: tuple[EpisodeReference, ...] = ()
    state: Mapping[str, PageState] = field(default_factory=dict)
    is_unchanged: bool = False
    title: str | None = None
    message: str = ""
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """What a downloader needs to get a variant.

    Attributes:
        uris: Addresses of the same content.
        kind: What is there: HTTP, a torrent file or a magnet link.
        headers: What to send along.
        file_name: The file's name, where it is known.
    """

    uris: tuple[str, ...]
    kind: VariantKind
    headers: Mapping[str, str] = field(default_factory=dict)
    file_name: str | None = None
