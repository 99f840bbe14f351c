"""What a provider is, for those that come with this project and those of other packages."""

from collections.abc import Mapping
from typing import Protocol

from sync_assets.errors import SyncError
from sync_assets.watchlist.providers.models import (
    Download,
    ListResult,
    PageState,
    Season,
    SeriesReference,
    Variant,
)
from sync_assets.watchlist.providers.pages import Page

ENTRY_POINTS = "sync_assets.watchlist_providers"
"""The group of entry points by which other packages add providers."""


class PageUnavailableError(SyncError):
    """A page cannot be had, or is not what it should be.

    Args:
        message: What went wrong.
        remedy: What the user can do.
        retry_after_seconds: How long the server asks to be left alone.
    """

    def __init__(
        self, message: str, *, remedy: str, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_seconds = retry_after_seconds


class PageBlockedError(PageUnavailableError):
    """A server does not want programs to read its pages. Nothing is done to get around that."""


class AddressRefusedError(PageUnavailableError):
    """An address leads where users may not make this program go, such as a private network."""


class NotResolvableError(SyncError):
    """Nothing downloadable was found behind a variant."""


class Client(Protocol):
    """Fetches pages. Providers use nothing else of the network."""

    def check(self, url: str) -> None:
        """Make sure that an address may be asked, for what is not fetched by this client.

        Raises:
            PageUnavailableError: It may not, or its host is unknown.
        """
        ...

    def get(self, url: str, *, state: PageState | None = None, referer: str | None = None) -> Page:
        """Fetch a page.

        Args:
            url: Its address.
            state: What the server gave last time.
            referer: The page that links to it, where a server wants to know.

        Returns:
            The page; with `is_unchanged` and without content where the state still holds.

        Raises:
            PageUnavailableError: It cannot be had.
        """
        ...

    def post(self, url: str, fields: Mapping[str, str], *, referer: str | None = None) -> Page:
        """Send a form and return the answer.

        Raises:
            PageUnavailableError: There is none.
        """
        ...


class Provider(Protocol):
    """A kind of place that lists episodes.

    An entry point names a callable that takes `base_url` and `options`, as
    `WatchlistProviderSettings` has them, and returns an object of this form. It keeps no state
    between calls and uses nothing of the network but the client that it is given.
    """

    @property
    def id(self) -> str:
        """Its name in the configuration and in the database; never changes."""
        ...

    def accepts(self, url: str) -> bool:
        """Whether an address is certainly one of this provider, without fetching it."""
        ...

    def recognises(self, page: Page) -> bool:
        """Whether a page has the form that this provider reads."""
        ...

    def seasons(self, series: SeriesReference, client: Client) -> tuple[Season, ...]:
        """List the parts of a series; empty where the provider knows none.

        Raises:
            PageUnavailableError: The page cannot be had.
        """
        ...

    def episodes(
        self,
        series: SeriesReference,
        client: Client,
        state: Mapping[str, PageState] | None = None,
    ) -> ListResult:
        """List the episodes. Whatever fails is in the result, never an exception.

        Args:
            series: What to look for.
            client: Fetches.
            state: What the last result gave.
        """
        ...

    def resolve(self, variant: Variant, client: Client) -> Download:
        """Find out what to download.

        Raises:
            PageUnavailableError: A page on the way cannot be had.
            NotResolvableError: Nothing downloadable is there.
        """
        ...
