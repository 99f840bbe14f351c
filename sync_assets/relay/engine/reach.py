"""How far a download may reach: what users with a token can cause, only where a guard lets it."""

from collections.abc import Mapping

import httpx

from sync_assets.addresses import (
    AddressError,
    AddressGuard,
    AddressRefusedError,
    GuardedTransport,
)
from sync_assets.ledger.types import AnyRow
from sync_assets.relay.engine.outcomes import UNREACHABLE, GiveUp, Outcome, TryAgain
from sync_assets.relay.guarded_proxy import GuardedProxy
from sync_assets.relay.models import API_SOURCE, WATCHLIST_SOURCE, Reason, ReasonCode
from sync_assets.settings.relay import RelaySettings
from sync_assets.settings.watchlist import WatchlistSettings


def address_guards(relay: RelaySettings, watchlist: WatchlistSettings) -> dict[str, AddressGuard]:
    """Return what judges the addresses of downloads, by the sources that are not trusted.

    Args:
        relay: The configuration of the relay.
        watchlist: The configuration of the watchlist.
    """
    allowed = {
        API_SOURCE: (relay.allowed_private_hosts, "relay.allowed_private_hosts"),
        WATCHLIST_SOURCE: (watchlist.allowed_private_hosts, "watchlist.allowed_private_hosts"),
    }
    return {source: AddressGuard(hosts, setting=name) for source, (hosts, name) in allowed.items()}


class Reach:
    """Keeps guarded downloads out of private networks, whoever fetches for them.

    Args:
        guards: What judges the addresses of downloads, by their source; others are trusted.
        timeout_seconds: How long connecting may take.
    """

    def __init__(self, guards: Mapping[str, AddressGuard], *, timeout_seconds: float) -> None:
        self._guards = guards
        self._proxies = {
            source: GuardedProxy(guard, timeout_seconds=timeout_seconds)
            for source, guard in guards.items()
        }

    def is_guarded(self, row: AnyRow) -> bool:
        """Tell whether a download may reach only where a guard lets it.

        Args:
            row: The download, with its medium.
        """
        return row.media_source in self._guards

    def aria2_options(self, row: AnyRow) -> Mapping[str, str]:
        """Return the options that lead aria2 through the guard where that is needed.

        Args:
            row: The download, with its medium.
        """
        proxy = self._proxies.get(row.media_source)
        if proxy is None:
            return {}
        return {"all-proxy": proxy.url, "proxy-method": "tunnel", "no-proxy": ""}

    def transport(self, row: AnyRow) -> httpx.BaseTransport | None:
        """Return what our own requests for a download go through; None for the usual.

        Args:
            row: The download, with its medium.
        """
        guard = self._guards.get(row.media_source)
        return None if guard is None else GuardedTransport(guard)

    def close(self) -> None:
        """Stop what was started."""
        for proxy in self._proxies.values():
            proxy.close()


def outcome_of_address(error: AddressError) -> Outcome:
    """Say what it means for a download that an address cannot be gone to.

    Args:
        error: What the guard said.
    """
    if isinstance(error, AddressRefusedError):
        text = f"{error.message} {error.remedy} Then retry."
        return GiveUp(Reason(ReasonCode.PRIVATE_ADDRESS, text))
    return TryAgain(UNREACHABLE)
