"""Providers of the watchlist: where episodes are found, and how their pages are fetched."""

from sync_assets.watchlist.providers.listing import look_for_episodes, merged
from sync_assets.watchlist.providers.models import (
    Download,
    EpisodeReference,
    ListResult,
    ListStatus,
    PageState,
    Season,
    SeriesReference,
    Variant,
    VariantKind,
)
from sync_assets.watchlist.providers.protocol import (
    AddressRefusedError,
    Client,
    NotResolvableError,
    PageBlockedError,
    PageUnavailableError,
    Provider,
)
from sync_assets.watchlist.providers.registry import (
    Detection,
    UnknownProviderError,
    detect_provider,
    installed_providers,
)

__all__ = [
    "AddressRefusedError",
    "Client",
    "Detection",
    "Download",
    "EpisodeReference",
    "ListResult",
    "ListStatus",
    "NotResolvableError",
    "PageBlockedError",
    "PageState",
    "PageUnavailableError",
    "Provider",
    "Season",
    "SeriesReference",
    "UnknownProviderError",
    "Variant",
    "VariantKind",
    "detect_provider",
    "installed_providers",
    "look_for_episodes",
    "merged",
]
