"""How far a download may reach: what users with a token can cause, only where a guard lets it."""

from collections.abc import Mapping

import httpx

from sync_assets.addresses import (
    AddressError,
    AddressGuard,
    AddressRefusedError,
    GuardedTransport,
)
from sync_assets.guards import guard_of_links, guard_of_watchlist
from sync_assets.ledger.types import AnyRow
from sync_assets.relay.engine.outcomes import UNREACHABLE, GiveUp, Outcome, TryAgain
from sync_assets.relay.guarded_proxy import GuardedProxy
from sync_assets.relay.models import API_SOURCE, WATCHLIST_SOURCE, Reason, ReasonCode
from sync_assets.settings.relay import RelaySettings
from sync_assets.settings.watchlist import WatchlistSettings

# aria2 prefers a proxy for one protocol, of its configuration or its environment, to that for all.
_THIS_PROXY_ONLY = {"http-proxy": "", "https-proxy": "", "ftp-proxy": "", "no-proxy": ""}
_NO_WEB_ADDRESS = Reason(
    ReasonCode.BAD_LINK, "It leads to what is no http or https address. Send another link."
)


def address_guards(relay: RelaySettings, watchlist: WatchlistSettings) -> dict[str, AddressGuard]:
    """Return what judges the addresses of downloads, by the sources that are not trusted.

    Args:
        relay: The configuration of the relay.
        watchlist: The configuration of the watchlist.
    """
    return {API_SOURCE: guard_of_links(relay), WATCHLIST_SOURCE: guard_of_watchlist(watchlist)}


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
        self._led: set[str] = set()

    def is_guarded(self, row: AnyRow) -> bool:
        """Tell whether a download may reach only where a guard lets it.

        Args:
            row: The download, with its medium.
        """
        return row.media_source in self._guards

    def is_cut_off(self, row: AnyRow) -> bool:
        """Tell whether aria2 knows a guarded download by a proxy that ended with its worker.

        Args:
            row: The download, with its medium; aria2 has it.
        """
        return self.is_guarded(row) and row.gid not in self._led

    def aria2_options(self, row: AnyRow) -> Mapping[str, str]:
        """Return the options that lead aria2 through the guard where that is needed.

        Args:
            row: The download, with its medium; aria2 is about to get them.
        """
        proxy = self._proxies.get(row.media_source)
        if proxy is None:
            return {}
        self._led.add(row.gid)
        return {**_THIS_PROXY_ONLY, "all-proxy": proxy.url, "proxy-method": "tunnel"}

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
    if not isinstance(error, AddressRefusedError):
        return TryAgain(UNREACHABLE)
    if error.setting is None:
        return GiveUp(_NO_WEB_ADDRESS)
    text = (
        "It is in a private network, or leads there. If the server is yours, add its name or "
        f"address to {error.setting}, then retry."
    )
    return GiveUp(Reason(ReasonCode.PRIVATE_ADDRESS, text))
