"""How far a download may reach: what came through the API only where the guard lets it."""

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
from sync_assets.relay.models import API_SOURCE, Reason, ReasonCode
from sync_assets.settings.relay import RelaySettings

PRIVATE_ADDRESS = Reason(
    ReasonCode.PRIVATE_ADDRESS,
    "It is in a private network, or leads there. If the server is yours, add its name or address "
    "to relay.allowed_private_hosts, then retry.",
)


class Reach:
    """Keeps guarded downloads out of private networks, whoever fetches for them.

    Args:
        settings: The configuration of the relay.
    """

    def __init__(self, settings: RelaySettings) -> None:
        self._guard = AddressGuard(
            settings.allowed_private_hosts, setting="relay.allowed_private_hosts"
        )
        self._proxy = GuardedProxy(self._guard, timeout_seconds=settings.timeout_seconds)

    def is_guarded(self, row: AnyRow) -> bool:
        """Tell whether a download may reach only where the guard lets it.

        Args:
            row: The download, with its medium.
        """
        return row.media_source == API_SOURCE

    def aria2_options(self, row: AnyRow) -> Mapping[str, str]:
        """Return the options that lead aria2 through the guard where that is needed.

        Args:
            row: The download, with its medium.
        """
        if not self.is_guarded(row):
            return {}
        return {"all-proxy": self._proxy.url, "proxy-method": "tunnel", "no-proxy": ""}

    def transport(self, row: AnyRow) -> httpx.BaseTransport | None:
        """Return what our own requests for a download go through; None for the usual.

        Args:
            row: The download, with its medium.
        """
        return GuardedTransport(self._guard) if self.is_guarded(row) else None

    def close(self) -> None:
        """Stop what was started."""
        self._proxy.close()


def outcome_of_address(error: AddressError) -> Outcome:
    """Say what it means for a download that an address cannot be gone to.

    Args:
        error: What the guard said.
    """
    if isinstance(error, AddressRefusedError):
        return GiveUp(PRIVATE_ADDRESS)
    return TryAgain(UNREACHABLE)
