"""What is behind an address, before or while it is added: provider, title, picture, episodes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from sync_assets.addresses import UnknownHostError, shown_url
from sync_assets.errors import SyncError
from sync_assets.watchlist.access import ProviderAccess
from sync_assets.watchlist.page_details import PageDetails, details_of
from sync_assets.watchlist.providers import (
    Client,
    Detection,
    EpisodeReference,
    ListResult,
    PageState,
    PageUnavailableError,
    SeriesReference,
    detect_provider,
)
from sync_assets.watchlist.providers.pages import Page
from sync_assets.watchlist.works import works_of

MOST_EPISODES = 200
_logger = logging.getLogger(__name__)


class ProviderUnknownError(SyncError):
    """No provider reads what is at an address."""


@dataclass(frozen=True)
class Preview:
    """What is behind an address.

    Attributes:
        detection: Which providers fit.
        provider: The one that was asked.
        details: What the page says of the series.
        result: What the provider lists.
    """

    detection: Detection
    provider: str
    details: PageDetails
    result: ListResult

    @property
    def episodes(self) -> tuple[EpisodeReference, ...]:
        """The newest episodes; not more than somebody wants to see."""
        return self.result.episodes[-MOST_EPISODES:]

    @cached_property
    def works(self) -> Sequence[str]:
        """The works that the list holds, as the names of its releases say."""
        return works_of(self.result.episodes)

    @property
    def title(self) -> str | None:
        """What it is called; None where the list holds several works, or nothing says it.

        A feed's own name is none of its releases' titles: nothing would fit it.
        """
        if self.works:
            return self.works[0] if len(self.works) == 1 else None
        return self.result.title or self.details.title


@dataclass
class _Once(Client):
    """A client that fetches no page twice: whoever is asked about it needs the same one."""

    client: Client
    pages: dict[str, Page] = field(default_factory=dict)

    def check(self, url: str) -> None:
        self.client.check(url)

    def get(self, url: str, *, state: PageState | None = None, referer: str | None = None) -> Page:
        page = self.pages.get(url)
        if page is None:
            page = self.client.get(url, state=state, referer=referer)
            self.pages[url] = page
        return page

    def post(self, url: str, fields: Mapping[str, str], *, referer: str | None = None) -> Page:
        return self.client.post(url, fields, referer=referer)


def preview(
    access: ProviderAccess, series: SeriesReference, provider_id: str | None = None
) -> Preview:
    """Look at an address as a check would; nothing is kept.

    Args:
        access: Reaches providers.
        series: What is at the address.
        provider_id: The provider to ask; None for the one that fits.

    Raises:
        AddressRefusedError: The address is none that may be asked.
        PageUnavailableError: No page tells the provider.
        NoSuchProviderError: There is no provider of this id.
        ProviderUnknownError: None fits.
    """
    access.guard.check_url(series.url)
    with access.client() as fetching:
        client = _Once(fetching)
        if provider_id is None:
            detection = detect_provider(series.url, access.providers, client)
            provider_id = _require(detection)
        else:
            detection = Detection(provider_id, is_certain=True, candidates=(provider_id,))
        provider = access.provider(provider_id)
        result = provider.episodes(series, client)
        details = _details(client, series.url)
    return Preview(detection, provider_id, details, result)


def check_address(access: ProviderAccess, url: str) -> None:
    """Refuse an address that leads into a private network.

    A name that is not known now may be later; each check asks anew, and refuses as well.

    Args:
        access: Reaches providers.
        url: The address.

    Raises:
        AddressRefusedError: It may never be asked.
    """
    access.guard.check_url(url)
    parts = urlsplit(url)
    try:
        access.guard.addresses(parts.hostname or "", parts.port or 80)
    except UnknownHostError:
        _logger.info("The host of a new address is not known now: %s", shown_url(url))


def detect(access: ProviderAccess, url: str, provider_id: str | None) -> str:
    """Return the provider of an address, as far as the address alone tells.

    Args:
        access: Reaches providers.
        url: The address.
        provider_id: What the user says.

    Raises:
        NoSuchProviderError: The user names one that there is not.
        ProviderUnknownError: The address alone does not tell.
    """
    if provider_id is not None:
        access.provider(provider_id)
        return provider_id
    return _require(detect_provider(url, access.providers))


def _details(client: Client, url: str) -> PageDetails:
    try:
        return details_of(client.get(url))
    except PageUnavailableError:
        # A provider may have asked elsewhere, as where a site has moved; its result says how it is.
        return PageDetails()


def _require(detection: Detection) -> str:
    if detection.provider_id is None:
        raise ProviderUnknownError(
            "No provider reads what is at this address.",
            remedy="Name the provider, or give the address of a feed or a folder.",
        )
    return detection.provider_id
