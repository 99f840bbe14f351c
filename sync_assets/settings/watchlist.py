"""The configuration of the watchlist: how providers are asked."""

from collections.abc import Mapping

from pydantic import Field

from sync_assets.settings.section import Section
from sync_assets.settings.strm_sources import BaseUrl


class WatchlistFetchingSettings(Section):
    """How pages and feeds are fetched."""

    requests_per_second: float = Field(
        default=0.5, gt=0, le=20, description="The most requests to one host."
    )
    timeout_seconds: float = Field(
        default=20, gt=0, le=300, description="How long a server may be silent."
    )
    maximum_seconds: float = Field(
        default=60, gt=0, le=600, description="How long one page may take altogether."
    )
    maximum_bytes: int = Field(
        default=16 * 1024 * 1024, ge=1_024, description="A larger page is refused."
    )


class WatchlistProviderSettings(Section):
    """What one provider needs to know."""

    enabled: bool = Field(default=True, description="Whether it may be used.")
    base_url: BaseUrl | None = Field(
        default=None, description="Where the site is; sites that move have no default."
    )
    options: Mapping[str, str] = Field(
        default={}, description="Whatever else a provider of another package wants."
    )


class WatchlistSettings(Section):
    """New episodes of what users follow."""

    allowed_private_hosts: tuple[str, ...] = Field(
        default=(),
        description="Host names, addresses and networks of your own servers. Without them, users "
        "can make this program fetch from the public network only.",
    )
    max_concurrent_auto_downloads: int = Field(
        default=10,
        ge=1,
        le=64,
        description="The most downloads of all users together; each user sets their own within it.",
    )
    fetching: WatchlistFetchingSettings = WatchlistFetchingSettings()
    providers: Mapping[str, WatchlistProviderSettings] = Field(
        default={}, description="What differs from the usual, by provider."
    )
