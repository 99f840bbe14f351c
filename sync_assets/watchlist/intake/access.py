"""How providers are reached: which there are, and a client that is guarded and polite."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cached_property

from sync_assets.addresses import Resolver, resolve
from sync_assets.errors import SyncError
from sync_assets.guards import guard_of_watchlist
from sync_assets.ledger import Ledger
from sync_assets.settings.watchlist import WatchlistSettings
from sync_assets.watchlist.providers import Provider, installed_providers
from sync_assets.watchlist.providers.client import PageClient
from sync_assets.watchlist.providers.pacing import LedgerPace

_HASTE = {"timeout_seconds": 10.0, "maximum_seconds": 20.0}
"""Somebody waits for the answer."""


class NoSuchProviderError(SyncError):
    """The user names a provider that there is not."""


class ProviderAccess:
    """How providers are reached on behalf of a user who waits.

    Args:
        settings: The section of the watchlist.
        ledger: The ledger, through which all processes keep one pace.
        resolver: Finds the addresses of a host.
    """

    def __init__(
        self, settings: WatchlistSettings, ledger: Ledger, *, resolver: Resolver = resolve
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self.guard = guard_of_watchlist(settings, resolver)

    @cached_property
    def providers(self) -> Mapping[str, Provider]:
        """The usable providers, by id."""
        return installed_providers(self._settings)

    def provider(self, provider_id: str) -> Provider:
        """Return a provider.

        Args:
            provider_id: Which.

        Raises:
            NoSuchProviderError: There is none of this id.
        """
        provider = self.providers.get(provider_id)
        if provider is None:
            raise NoSuchProviderError(
                f"There is no provider {provider_id!r}.",
                remedy=f"Name one of {', '.join(self.providers)}, or none.",
            )
        return provider

    @contextmanager
    def client(self) -> Generator[PageClient]:
        """Open a client for pages."""
        fetching = self._settings.fetching
        hasty = {name: min(most, getattr(fetching, name)) for name, most in _HASTE.items()}
        pace = LedgerPace(self._ledger, fetching.requests_per_second)
        with PageClient(fetching.model_copy(update=hasty), self.guard, pace) as client:
            yield client
