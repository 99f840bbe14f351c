"""The configuration of the watchlist: how providers are asked, what is taken, where it goes."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from sync_assets.settings.section import AnchoredPath, Section
from sync_assets.settings.strm_sources import BaseUrl
from sync_assets.settings.watchlist_templates import (
    DEFAULT_FILE,
    DEFAULT_FOLDER,
    valid_file_template,
    valid_folder_template,
)


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


class WatchlistChoosingSettings(Section):
    """Which releases are taken, and when."""

    wait_hours: float = Field(
        default=12,
        ge=0,
        le=720,
        description="How long to wait for the wanted picture or group before the best below is "
        "taken, from when an episode was seen first.",
    )
    replaces_versions: bool = Field(
        default=False, description="Whether a corrected version (v2) replaces what is here."
    )
    batch_minimum: int = Field(
        default=3,
        ge=2,
        description="A batch is taken at once where so many of its episodes are missing, and at "
        "least half of them.",
    )
    max_attempts: int = Field(
        default=3, ge=1, le=100, description="An episode that failed so often waits for its user."
    )
    retry_hours: float = Field(
        default=24, gt=0, le=720, description="Pause before a release that failed is tried again."
    )


class WatchlistLibrarySettings(Section):
    """Where the files of episodes go, and what they are called."""

    directory: AnchoredPath | None = Field(
        default=None,
        description="The folder of the library; its files are not uploaded. Without it files go "
        "where the relay brings them.",
    )
    folder_template: Annotated[str, AfterValidator(valid_folder_template)] = Field(
        default=DEFAULT_FOLDER, description="The folder of an item that has no template itself."
    )
    file_template: Annotated[str, AfterValidator(valid_file_template)] = Field(
        default=DEFAULT_FILE, description="The name of an episode's file, without its extension."
    )


class WatchlistSettings(Section):
    """New episodes of what users follow. Off unless enabled."""

    enabled: bool = Field(default=False, description="Whether items are checked.")
    look_every_seconds: int = Field(
        default=30, ge=5, description="How often it is asked whether anything is due."
    )
    connections: int = Field(
        default=8, ge=1, le=64, description="How many items are checked at a time."
    )
    max_run_seconds: float = Field(
        default=600, gt=0, description="A run begins no check after this; the next one goes on."
    )
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
    choosing: WatchlistChoosingSettings = WatchlistChoosingSettings()
    library: WatchlistLibrarySettings = WatchlistLibrarySettings()
    providers: Mapping[str, WatchlistProviderSettings] = Field(
        default={}, description="What differs from the usual, by provider."
    )
