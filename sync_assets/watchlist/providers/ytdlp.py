"""The provider of video pages through yt-dlp, where that is installed (extra `yt-dlp`).

yt-dlp opens its own connections, so the address is judged before it is called, but what that page
leads to is not.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from sync_assets.watchlist.providers.listing import Release, episodes_of_releases, failed, read_name
from sync_assets.watchlist.providers.models import (
    Download,
    EpisodeReference,
    ListResult,
    ListStatus,
    PageState,
    Season,
    SeriesReference,
    Variant,
    VariantKind,
)
from sync_assets.watchlist.providers.pages import Page
from sync_assets.watchlist.providers.protocol import (
    Client,
    NotResolvableError,
    PageUnavailableError,
)

Extract = Callable[[str], Mapping[str, Any]]

INSTALL_OR_UPDATE = "Install or update yt-dlp: pip install -U 'sync-assets[yt-dlp]'."
_LONGEST_LIST = 2_000


class YtDlpProvider:
    """Lists the videos of a page or a playlist.

    Args:
        base_url: Not used: yt-dlp knows its sites.
        options: Not used.
        extract: Asks yt-dlp about an address, without downloading.
    """

    id = "ytdlp"

    def __init__(
        self,
        base_url: str | None = None,
        options: Mapping[str, str] | None = None,
        extract: Extract | None = None,
    ) -> None:
        self.base_url = base_url
        self.options = options or {}
        self._extract = extract or extract_info

    def accepts(self, url: str) -> bool:
        """Whether yt-dlp has an extractor of its own for the address."""
        if not is_installed() or urlsplit(url).scheme not in ("http", "https"):
            return False
        extractors = importlib.import_module("yt_dlp.extractor").gen_extractor_classes()
        return any(each.suitable(url) and each.IE_NAME != "generic" for each in extractors)

    def recognises(self, page: Page) -> bool:  # noqa: ARG002 - the protocol's
        """A page alone does not tell."""
        return False

    def seasons(self, series: SeriesReference, client: Client) -> tuple[Season, ...]:  # noqa: ARG002 - the protocol's
        """Playlists have no seasons."""
        return ()

    def episodes(
        self,
        series: SeriesReference,
        client: Client,
        state: Mapping[str, PageState] | None = None,  # noqa: ARG002 - the protocol's
    ) -> ListResult:
        """List the videos."""
        try:
            client.check(series.url)
            info = self._extract(series.url)
        except PageUnavailableError as error:
            return failed(error)
        except NotResolvableError as error:
            return ListResult(ListStatus.BROKEN, message=str(error))
        episodes = parse_info(info, series)
        if not episodes and info.get("_type") != "playlist":
            return ListResult(ListStatus.NO_DATA, message="The page holds no video.")
        return ListResult(ListStatus.OK, episodes, title=info.get("title"))

    def resolve(self, variant: Variant, client: Client) -> Download:
        """Find the file of a video."""
        return resolve_page(variant, client, self._extract)


def is_installed() -> bool:
    """Whether yt-dlp is there."""
    return importlib.util.find_spec("yt_dlp") is not None


def extract_info(url: str) -> Mapping[str, Any]:
    """Ask yt-dlp about an address.

    Raises:
        NotResolvableError: It is not installed, or finds no video.
    """
    if not is_installed():
        message = "yt-dlp is not installed, which reads pages of videos."
        raise NotResolvableError(message, remedy=INSTALL_OR_UPDATE)
    yt_dlp = importlib.import_module("yt_dlp")
    options = {"quiet": True, "no_warnings": True, "extract_flat": "in_playlist"}
    try:
        with yt_dlp.YoutubeDL(options) as downloader:
            info = downloader.extract_info(url, download=False)
    except yt_dlp.utils.DownloadError as error:
        host = urlsplit(url).hostname or "the address"
        message = f"yt-dlp finds no video at {host}."
        raise NotResolvableError(message, remedy=INSTALL_OR_UPDATE) from error
    return info or {}


def parse_info(info: Mapping[str, Any], series: SeriesReference) -> tuple[EpisodeReference, ...]:
    """Read what yt-dlp says of a video or a playlist."""
    entries = info.get("entries") if info.get("_type") == "playlist" else [info]
    return episodes_of_releases(_releases(list(entries or [])[:_LONGEST_LIST]), series)


def _releases(entries: list[Any]) -> Iterator[Release]:
    for entry in entries:
        if not isinstance(entry, Mapping):
            continue
        url = entry.get("webpage_url") or entry.get("url")
        title = str(entry.get("title") or "")
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or not title:
            continue
        name = read_name(_named(entry, title))
        height = entry.get("height")
        variant = Variant(
            uri=url,
            kind=VariantKind.PAGE,
            key=url,
            name=title,
            resolution=height if isinstance(height, int) else name.resolution,
            version=name.version,
        )
        yield Release(name, variant, _time(entry.get("timestamp")))


def _named(entry: Mapping[str, Any], title: str) -> str:
    """Put the numbers that a site gives by themselves where the reader of names finds them."""
    season, episode = entry.get("season_number"), entry.get("episode_number")
    series = entry.get("series") or title
    if isinstance(season, int) and isinstance(episode, int | float):
        return f"{series} S{season:02}E{Decimal(str(episode)).normalize():f}"
    if isinstance(episode, int | float):
        return f"{series} - Episode {Decimal(str(episode)).normalize():f}"
    return title


def _time(timestamp: object) -> datetime | None:
    if not isinstance(timestamp, int | float):
        return None
    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def resolve_page(variant: Variant, client: Client, extract: Extract | None = None) -> Download:
    """Find the file behind a page.

    Args:
        variant: The page.
        client: Judges its address.
        extract: Asks yt-dlp about an address.

    Raises:
        PageUnavailableError: The address may not be asked.
        NotResolvableError: yt-dlp is not installed, or finds none.
    """
    client.check(variant.uri)
    info = (extract or extract_info)(variant.uri)
    formats = [each for each in info.get("formats") or [info] if isinstance(each, Mapping)]
    whole = [each for each in formats if each.get("vcodec") != "none" and each.get("url")]
    allowed = [
        each
        for each in whole
        if variant.resolution is None or (each.get("height") or 0) <= variant.resolution
    ]
    chosen = max(allowed or whole, key=lambda each: each.get("height") or 0, default=None)
    if chosen is None:
        message = f"{variant.name or 'The page'} holds no video."
        raise NotResolvableError(message, remedy="Choose another variant.")
    headers = {str(name): str(value) for name, value in (chosen.get("http_headers") or {}).items()}
    return Download((str(chosen["url"]),), VariantKind.HTTP, headers)
