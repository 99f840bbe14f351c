"""Where users can make this program go, by what they give it: links, or pages and feeds."""

from sync_assets.addresses import AddressGuard, Resolver, resolve
from sync_assets.settings.relay import RelaySettings
from sync_assets.settings.watchlist import WatchlistSettings


def guard_of_links(settings: RelaySettings) -> AddressGuard:
    """Return what judges the links that come through the API.

    Args:
        settings: The configuration of the relay.
    """
    return AddressGuard(settings.allowed_private_hosts, setting="relay.allowed_private_hosts")


def guard_of_watchlist(settings: WatchlistSettings, resolver: Resolver = resolve) -> AddressGuard:
    """Return what judges the pages and feeds of the watchlist, and what they lead to.

    Args:
        settings: The configuration of the watchlist.
        resolver: Finds the addresses of a host.
    """
    return AddressGuard(
        settings.allowed_private_hosts,
        setting="watchlist.allowed_private_hosts",
        resolver=resolver,
    )
