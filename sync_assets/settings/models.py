"""The sections that every installation has, and `Settings`, which holds all sections.

A domain's own section lives in the module of its name beside this one.
"""

from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated

from pydantic import Field, IPvAnyAddress, SecretStr, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from sync_assets.settings.bangumi import BangumiSettings
from sync_assets.settings.catalog import CatalogSettings
from sync_assets.settings.notifications import NotificationSettings
from sync_assets.settings.pixiv import PixivSettings
from sync_assets.settings.relay import RelaySettings
from sync_assets.settings.section import AnchoredPath, Section
from sync_assets.settings.strm import StrmSettings
from sync_assets.settings.telegram import TelegramSettings
from sync_assets.settings.trakt import TraktSettings
from sync_assets.settings.watchlist import WatchlistSettings

ENVIRONMENT_PREFIX = "SYNC_"
ENVIRONMENT_DELIMITER = "__"

Port = Annotated[int, Field(ge=1, le=65535)]


class LedgerSettings(Section):
    """Where the ledger is: everything with a lifecycle that must survive a crash."""

    url: SecretStr | None = Field(
        default=None,
        description="SQLAlchemy URL, sqlite:///… or postgresql+psycopg://user:password@host/name. "
        "Without it: ledger.db in the home directory.",
    )

    @field_validator("url")
    @classmethod
    def _known_dialect(cls, url: SecretStr | None) -> SecretStr | None:
        allowed = ("sqlite:///", "postgresql+psycopg://")
        if url is not None and not url.get_secret_value().startswith(allowed):
            message = f"must start with {' or '.join(allowed)}"
            raise ValueError(message)
        return url


class LakeSettings(Section):
    """Where the lake is: one Parquet file per asset partition."""

    directory: AnchoredPath | None = Field(
        default=None, description="A local or shared directory. Without it: lake/ in the home."
    )


class ServerSettings(Section):
    """The HTTP server for webhooks, the API and the pages."""

    host: IPvAnyAddress = Field(
        default=IPv4Address("127.0.0.1"),
        description="Address to listen on. Anything but loopback belongs behind a TLS proxy.",
    )
    port: Port = Field(default=8080, description="TCP port.")
    maximum_body_bytes: int = Field(
        default=1_048_576, ge=1_024, description="A larger request body is refused with 413."
    )


class DagsterSettings(Section):
    """The Dagster services that `scripts/run` starts."""

    host: IPvAnyAddress = Field(
        default=IPv4Address("127.0.0.1"),
        description="Address of the UI. It has no login of its own: loopback, or behind a proxy.",
    )
    port: Port = Field(default=3000, description="TCP port of the UI.")


class ToolSettings(Section):
    """Programs to use instead of the ones that were installed with this project."""

    aria2c: AnchoredPath | None = Field(default=None, description="Path of an aria2c binary.")
    rclone: AnchoredPath | None = Field(default=None, description="Path of an rclone binary.")
    gallery_dl: AnchoredPath | None = Field(default=None, description="Path of gallery-dl.")


class RetentionSettings(Section):
    """How long history is kept."""

    runs_days: int = Field(default=30, ge=1, description="Finished Dagster runs and their logs.")
    logs_days: int = Field(default=30, ge=1, description="JSON lines in logs/.")
    inbox_days: int = Field(
        default=30, ge=1, description="Finished webhook events. Unfinished ones are never removed."
    )
    notifications_days: int = Field(
        default=90, ge=1, description="What was told. What is still wrong stays known."
    )


class Settings(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter=ENVIRONMENT_DELIMITER,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        nested_model_default_partial_update=False,
        validate_default=True,
    )

    home: AnchoredPath = Field(
        default=Path("var"), description="Everything this project keeps: ledger, lake, logs."
    )
    ledger: LedgerSettings = LedgerSettings()
    lake: LakeSettings = LakeSettings()
    server: ServerSettings = ServerSettings()
    dagster: DagsterSettings = DagsterSettings()
    tools: ToolSettings = ToolSettings()
    retention: RetentionSettings = RetentionSettings()
    notifications: NotificationSettings = NotificationSettings()
    strm: StrmSettings = StrmSettings()
    pixiv: PixivSettings = PixivSettings()
    telegram: TelegramSettings = TelegramSettings()
    relay: RelaySettings = RelaySettings()
    catalog: CatalogSettings = CatalogSettings()
    bangumi: BangumiSettings = BangumiSettings()
    trakt: TraktSettings = TraktSettings()
    watchlist: WatchlistSettings = WatchlistSettings()

    @field_validator("telegram")
    @classmethod
    def _chats_of_accounts_have_a_bot(
        cls, telegram: TelegramSettings, info: ValidationInfo
    ) -> TelegramSettings:
        pixiv: PixivSettings | None = info.data.get("pixiv")
        for name, account in pixiv.accounts.items() if pixiv else ():
            if account.chat_ids and not telegram.is_configured:
                message = (
                    f"pixiv.accounts.{name}.chat_ids needs telegram.bot_token; @BotFather gives one"
                )
                raise ValueError(message)
        return telegram

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes all sources by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment first, then the TOML file that `load_settings` passes."""
        return (env_settings, init_settings)

    @property
    def ledger_url(self) -> str:
        """The ledger's SQLAlchemy URL, password included; not for display."""
        if self.ledger.url is not None:
            return self.ledger.url.get_secret_value()
        return f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def lake_directory(self) -> Path:
        """The directory of the lake."""
        return self.lake.directory or self.home / "lake"

    @property
    def dagster_home(self) -> Path:
        """The directory that holds Dagster's own storage."""
        return self.home / "dagster"

    @property
    def watching_accounts(self) -> list[str]:
        """The accounts of Trakt and of Bangumi, sorted; one name is one person at both.

        Both domains have the same partitions, so that one run leads from one to the other.
        """
        return sorted({*self.trakt.active_accounts, *self.bangumi.accounts})

    @property
    def catalog_directory(self) -> Path:
        """The directory of the catalogue: its index, and the last good copy of each source."""
        return self.home / "catalog"

    @property
    def overrides_path(self) -> Path:
        """The file of the user's own matching rules."""
        return self.bangumi.matching.overrides or self.home / "matching.toml"
