"""What the providers of single sites have in common: a base address that the user sets."""

from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from sync_assets.watchlist.providers.models import (
    ListResult,
    ListStatus,
    Season,
    SeriesReference,
)
from sync_assets.watchlist.providers.protocol import Client


class SiteProvider:
    """A provider whose site moves, so that nobody but the user knows where it is.

    Args:
        base_url: Where it is now. Without it no address is recognised as one of it.
        options: Not used.
    """

    id = ""

    def __init__(
        self, base_url: str | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        self.base_url = base_url
        self.options = options or {}

    def accepts(self, url: str) -> bool:
        """Whether the address is below the base address."""
        if self.base_url is None:
            return False
        base, given = urlsplit(self.base_url), urlsplit(url)
        folder = base.path.rstrip("/") + "/"
        return given.netloc.lower() == base.netloc.lower() and given.path.startswith(folder)

    def seasons(self, series: SeriesReference, client: Client) -> tuple[Season, ...]:  # noqa: ARG002 - the protocol's
        """On most sites each season is a series of its own."""
        return ()

    def current_url(self, url: str) -> str:
        """Return an address at where the site is now, although it was given at another host."""
        if self.base_url is None or self.accepts(url):
            return url
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return urljoin(f"{self.base_url}/", path.lstrip("/"))


def no_data(what: str) -> ListResult:
    """Return that a page holds no list.

    Args:
        what: What is missing in it.
    """
    return ListResult(ListStatus.NO_DATA, message=f"The page has {what}.")
