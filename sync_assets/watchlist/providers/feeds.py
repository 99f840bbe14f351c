"""The provider of feeds that users give: RSS, Atom and Torznab."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from sync_assets.watchlist.providers.feed_items import FeedItem, NotAFeedError, parse_feed
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
from sync_assets.watchlist.providers.pages import Page
from sync_assets.watchlist.providers.protocol import Client, NotResolvableError

_MARKS = (".xml", ".rss", ".atom", "/rss", "/feed", "/feed/", "/api", "rss.php")


class FeedProvider:
    """Lists what is in a feed.

    Args:
        base_url: Not used: each item has the address of its own feed.
        options: Not used.
    """

    id = "feed"

    def __init__(
        self, base_url: str | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        self.base_url = base_url
        self.options = options or {}

    def accepts(self, url: str) -> bool:
        """Whether the address looks like that of a feed."""
        parts = urlsplit(url)
        query = f"&{parts.query.lower()}&"
        return (
            parts.path.lower().endswith(_MARKS)
            or "&page=rss&" in query
            or ("&t=" in query and "apikey=" in query)
            or "/rss/" in parts.path.lower()
        )

    def recognises(self, page: Page) -> bool:
        """Whether the page is a feed."""
        try:
            parse_feed(page)
        except NotAFeedError:
            return False
        return True

    def seasons(self, series: SeriesReference, client: Client) -> tuple[Season, ...]:  # noqa: ARG002 - the protocol's
        """Feeds have no seasons."""
        return ()

    def episodes(
        self,
        series: SeriesReference,
        client: Client,
        state: Mapping[str, PageState] | None = None,
    ) -> ListResult:
        """List the episodes of the feed."""

        def read(page: Page) -> ListResult:
            try:
                title, items = parse_feed(page)
            except NotAFeedError:
                return ListResult(ListStatus.NO_DATA, message="The address gives no feed.")
            episodes = episodes_of_releases(map(_release, items), series)
            return ListResult(ListStatus.OK, episodes, title=title)

        return list_one_page(series.url, client, state, read)

    def resolve(self, variant: Variant, client: Client) -> Download:  # noqa: ARG002 - the protocol's
        """Return the address of the variant, which needs no page."""
        if variant.kind is VariantKind.PAGE:
            message = f"{variant.name} has neither a torrent nor a file in its feed, only a page."
            raise NotResolvableError(message, remedy="Give a feed that links to torrents or files.")
        return Download((variant.uri,), variant.kind)


def _release(item: FeedItem) -> Release:
    name = read_name(item.title)
    variant = Variant(
        uri=item.uri,
        kind=item.kind,
        key=item.key,
        name=item.title,
        resolution=name.resolution,
        group=name.group,
        version=name.version,
        language=name.languages[0].value if name.languages else None,
        size_bytes=item.size_bytes,
        infohash=item.infohash,
    )
    return Release(name, variant, item.published_at)
