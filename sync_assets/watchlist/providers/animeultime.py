"""The provider of pages in the form of anime-ultime: a list of files, each with a player."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

from sync_assets.watchlist.providers.listing import episode_key, list_one_page
from sync_assets.watchlist.providers.models import (
    Download,
    EpisodeReference,
    ListResult,
    ListStatus,
    PageState,
    SeriesReference,
    Variant,
    VariantKind,
)
from sync_assets.watchlist.providers.pages import Page, absolute_url
from sync_assets.watchlist.providers.protocol import Client, NotResolvableError
from sync_assets.watchlist.providers.scripts_in_pages import json_value
from sync_assets.watchlist.providers.sites import SiteProvider, no_data
from sync_assets.watchlist.titles import EpisodeKind

_NUMBER = re.compile(r"^episode\s+(\d{1,5}(?:\.\d{1,2})?)", re.IGNORECASE)
_SPECIAL = re.compile(r"^(?:oav|ova|oad|special|spécial)\s*(\d{1,5})?", re.IGNORECASE)
_FILM = re.compile(r"^film\s*(\d{1,5})?", re.IGNORECASE)
_LANGUAGE = re.compile(r"\b(vostfr|vf)\b", re.IGNORECASE)
_DATE = re.compile(r"^(\d{2})/(\d{2})/(\d{4})$")
_LINES = re.compile(r"^(\d{3,4})p$")
_PLAYER_PATH = "VideoPlayer.html"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file in the list.

    Attributes:
        label: What it is called, such as "Episode 01 vostfr".
        path: Where its page is.
        released: When it appeared.
    """

    label: str
    path: str
    released: date | None

    @property
    def number(self) -> Decimal | None:
        """The number of the episode; None for what is no episode."""
        found = _NUMBER.match(self.label) or _SPECIAL.match(self.label) or _FILM.match(self.label)
        return Decimal(found[1]) if found and found[1] else None

    @property
    def kind(self) -> EpisodeKind:
        """What it is."""
        if _FILM.match(self.label):
            return EpisodeKind.MOVIE
        return EpisodeKind.SPECIAL if _SPECIAL.match(self.label) else EpisodeKind.REGULAR


def parse_files(text: str) -> tuple[ListedFile, ...] | None:
    """Parse the page of a series; None where it has no list."""
    tree = LexborHTMLParser(text)
    if tree.css_first("ul.ficheDownload") is None:
        return None
    files = []
    for item in tree.css("ul.ficheDownload li.file"):
        link = item.css_first("a[href]")
        label = item.css_first(".number label")
        if link is None or label is None:
            continue
        released = item.css_first(".date label")
        day = _day(released.text(strip=True)) if released else None
        files.append(ListedFile(label.text(strip=True), link.attributes.get("href") or "", day))
    return tuple(files)


def parse_player(text: str) -> dict[str, str] | None:
    """Find what a player asks for: the fields of its form; None where there is no player."""
    player = LexborHTMLParser(text).css_first(".AUVideoPlayer")
    if player is None:
        return None
    file = player.attributes.get("data-file") or player.attributes.get("data-focus")
    series = player.attributes.get("data-serie")
    return {"idfile": file, "idserie": series} if file and series else None


def parse_qualities(text: str) -> dict[int, str]:
    """Find the addresses in a player's answer, by lines of the picture, the best first."""
    answer = json_value(text.strip(), 0)
    found: dict[int, str] = {}
    for name, formats in answer.items() if isinstance(answer, dict) else ():
        lines = _LINES.match(name)
        file = formats.get("mp4") if isinstance(formats, dict) else None
        address = file.get("url") if isinstance(file, dict) else None
        if lines and isinstance(address, str) and address:
            found[int(lines[1])] = address
    return dict(sorted(found.items(), reverse=True))


def _day(text: str) -> date | None:
    found = _DATE.match(text)
    try:
        return date(int(found[3]), int(found[2]), int(found[1])) if found else None
    except ValueError:
        return None


class AnimeultimeProvider(SiteProvider):
    """Lists the episodes of a series."""

    id = "animeultime"

    def recognises(self, page: Page) -> bool:
        """Whether the page has a list of files."""
        return bool(parse_files(page.text))

    def episodes(
        self,
        series: SeriesReference,
        client: Client,
        state: Mapping[str, PageState] | None = None,
    ) -> ListResult:
        """List the episodes."""
        return list_one_page(self.current_url(series.url), client, state, self._read)

    @staticmethod
    def _read(page: Page) -> ListResult:
        files = parse_files(page.text)
        if files is None:
            return no_data("no list of files")
        episodes = tuple(
            _episode(file, address)
            for file in files
            if (address := absolute_url(page.url, file.path))
        )
        return ListResult(ListStatus.OK, episodes)

    def resolve(self, variant: Variant, client: Client) -> Download:
        """Ask the player for the file: the wanted quality, or the best that is not above it."""
        page = client.get(self.current_url(variant.uri))
        fields = parse_player(page.text)
        if fields is not None:
            answer = client.post(urljoin(page.url, f"/{_PLAYER_PATH}"), fields, referer=page.url)
            qualities = parse_qualities(answer.text)
            if qualities:
                return Download((_chosen(qualities, variant.resolution),), VariantKind.HTTP)
        message = f"{variant.name or 'The episode'} has no player with a file on its page."
        raise NotResolvableError(message, remedy="Choose another variant, or wait.")


def _chosen(qualities: Mapping[int, str], wanted: int | None) -> str:
    allowed = [lines for lines in qualities if wanted is None or lines <= wanted]
    return qualities[max(allowed) if allowed else min(qualities)]


def _episode(file: ListedFile, address: str) -> EpisodeReference:
    language = _LANGUAGE.search(file.label)
    wanted = language[1].lower() if language else None
    key = episode_key(None, file.number, file.number, file.kind, wanted)
    published = datetime.combine(file.released, datetime.min.time(), UTC) if file.released else None
    return EpisodeReference(
        key=key if file.number is not None else f"{key}:{file.path}",
        season=None,
        number=file.number,
        last_number=file.number,
        kind=file.kind,
        title=file.label,
        published_at=published,
        variants=(
            Variant(address, VariantKind.PAGE, key=address, name=file.label, language=wanted),
        ),
        needs_review=file.number is None and file.kind is EpisodeKind.REGULAR,
    )
