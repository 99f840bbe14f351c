"""The provider of directory listings: nginx, Apache, and Python's http.server."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from sync_assets.watchlist.providers.listing import (
    Release,
    episodes_of_releases,
    list_one_page,
    read_name,
)
from sync_assets.watchlist.providers.models import (
    Download,
    ListResult,
    ListStatus,
    PageState,
    Season,
    SeriesReference,
    Variant,
    VariantKind,
)
from sync_assets.watchlist.providers.pages import Page, absolute_url
from sync_assets.watchlist.providers.protocol import Client
from sync_assets.watchlist.providers.torrents import size_of

VIDEO_EXTENSIONS = frozenset(
    ("avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "ts", "webm", "wmv")
)

_TITLE = re.compile(r"^(?:Index of|Directory listing for)\b", re.IGNORECASE)
_SIZE = re.compile(r"(?:\s|>)(\d+(?:\.\d+)?[KMGT]?)\s*(?:<|\n|$)")


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """A video file in a listing.

    Attributes:
        name: Its name.
        url: Its address.
        size_bytes: Its size, where the listing gives one.
    """

    name: str
    url: str
    size_bytes: int | None


def parse_index(page: Page) -> tuple[IndexedFile, ...] | None:
    """Parse a directory listing.

    Args:
        page: The fetched listing.

    Returns:
        Its video files; None where the page is no listing.
    """
    tree = LexborHTMLParser(page.text)
    headings = [node.text(strip=True) for node in tree.css("title, h1")]
    if not any(_TITLE.match(heading) for heading in headings):
        return None
    files: dict[str, IndexedFile] = {}
    folder = urlsplit(page.url)
    for link in tree.css("a[href]"):
        url = absolute_url(page.url, link.attributes.get("href"))
        if url is None:
            continue
        parts = urlsplit(url)
        name = unquote(parts.path.rpartition("/")[2])
        extension = name.rpartition(".")[2].lower()
        is_below = parts.netloc == folder.netloc and parts.path.startswith(
            folder.path.rpartition("/")[0] + "/"
        )
        if extension in VIDEO_EXTENSIONS and is_below:
            behind = link.parent.next if link.parent and link.parent.tag == "td" else link.next
            files.setdefault(url, IndexedFile(name, url, _size(behind)))
    return tuple(files.values())


def _size(node: LexborNode | None) -> int | None:
    """Find the size in the text behind a link, up to the end of its line or row."""
    text = ""
    while node is not None and node.tag != "a":
        text += f" {node.text(deep=True)}"
        node = node.next
    found = _SIZE.findall(text.split("\n")[0] + "\n") if text else []
    return size_of(found[-1]) if found else None


class HtmlIndexProvider:
    """Lists the video files of a folder on a web server.

    Args:
        base_url: Not used: each item has the address of its own folder.
        options: Not used.
    """

    id = "index"

    def __init__(
        self, base_url: str | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        self.base_url = base_url
        self.options = options or {}

    def accepts(self, url: str) -> bool:  # noqa: ARG002 - the protocol's
        """No address tells that there is a listing."""
        return False

    def recognises(self, page: Page) -> bool:
        """Whether the page is a directory listing."""
        return parse_index(page) is not None

    def seasons(self, series: SeriesReference, client: Client) -> tuple[Season, ...]:  # noqa: ARG002 - the protocol's
        """Folders have no seasons: their files say which they belong to."""
        return ()

    def episodes(
        self,
        series: SeriesReference,
        client: Client,
        state: Mapping[str, PageState] | None = None,
    ) -> ListResult:
        """List the video files of the folder."""

        def read(page: Page) -> ListResult:
            files = parse_index(page)
            if files is None:
                return ListResult(ListStatus.NO_DATA, message="The page is no directory listing.")
            return ListResult(ListStatus.OK, episodes_of_releases(map(_release, files), series))

        return list_one_page(series.url, client, state, read)

    def resolve(self, variant: Variant, client: Client) -> Download:  # noqa: ARG002 - the protocol's
        """Return the address of the file."""
        return Download((variant.uri,), VariantKind.HTTP, file_name=variant.name)


def _release(file: IndexedFile) -> Release:
    name = read_name(file.name)
    variant = Variant(
        uri=file.url,
        kind=VariantKind.HTTP,
        key=file.url,
        name=file.name,
        resolution=name.resolution,
        group=name.group,
        version=name.version,
        language=name.languages[0].value if name.languages else None,
        size_bytes=file.size_bytes,
    )
    return Release(name, variant)
