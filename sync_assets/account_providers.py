"""The providers that accounts are connected with by OAuth; each is published by its domain."""

from enum import StrEnum

import sync_assets.bangumi.oauth as bangumi
import sync_assets.trakt.oauth as trakt
from sync_assets.oauth.provider import Provider
from sync_assets.settings import Settings


class ProviderName(StrEnum):
    """What a provider is called in addresses, in the configuration and in the ledger."""

    TRAKT = trakt.PROVIDER
    BANGUMI = bangumi.PROVIDER


def configured_provider(settings: Settings, name: ProviderName) -> Provider:
    """Return a provider as it is configured.

    Args:
        settings: The whole configuration.
        name: Which one.
    """
    match name:
        case ProviderName.TRAKT:
            return trakt.provider(settings.trakt)
        case ProviderName.BANGUMI:
            return bangumi.provider(settings.bangumi)
