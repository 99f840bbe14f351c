"""The configuration of the relay: who may send, where files go, and how patiently."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, model_validator

from sync_assets.settings.relay_targets import TARGET_NAME, RelayTargetSettings
from sync_assets.settings.section import AnchoredPath, Section


class ReceiveMode(StrEnum):
    """How messages come from Telegram; `off` for links alone."""

    POLLING = "polling"
    WEBHOOK = "webhook"
    OFF = "off"


def _valid_chat(chat_id: str) -> str:
    if not re.fullmatch(r"-?\d{1,18}", chat_id):
        message = "must be a chat's number such as '-1001234567890'"
        raise ValueError(message)
    return chat_id


def _valid_webhook_secret(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9_-]{16,256}", secret.get_secret_value()):
        message = "must have 16 to 256 letters, digits, '_' and '-'"
        raise ValueError(message)
    return secret


class RelayAria2Settings(Section):
    """An aria2 that runs already. Without it a private one is started when it is needed."""

    url: HttpUrl | None = Field(
        default=None, description="Its JSON-RPC address, such as http://127.0.0.1:6800/jsonrpc."
    )
    secret: SecretStr = Field(default=SecretStr(""), description="Its rpc-secret.")


class RelaySettings(Section):
    """The relay. Off unless enabled."""

    enabled: bool = Field(default=False, description="Whether the relay is on.")
    download_directory: AnchoredPath = Field(
        default=Path("downloads/relay"),
        description="Where files are until they are uploaded, one folder per download.",
    )
    receive: ReceiveMode = Field(
        default=ReceiveMode.POLLING,
        description="How messages come from Telegram: polling, webhook or off.",
    )
    webhook_secret: Annotated[SecretStr, AfterValidator(_valid_webhook_secret)] | None = Field(
        default=None, description="The secret_token that the webhook was set with."
    )
    allowed_users: frozenset[int] = Field(
        default=frozenset(), description="Users whose messages are relayed, by their number."
    )
    allowed_chats: frozenset[Annotated[str, AfterValidator(_valid_chat)]] = Field(
        default=frozenset(), description="Chats and channels where everybody's messages are."
    )
    replies: bool = Field(
        default=True, description="Answer each message with one that shows the state."
    )
    local_bot_api: bool = Field(
        default=False,
        description="telegram.base_url is a server of one's own, which gives files above 20 MB.",
    )
    gateway_port: int | None = Field(
        default=None,
        ge=1,
        le=65_535,
        description="Port of the gateway that gives aria2 Telegram's files. Without it a free one.",
    )
    allowed_private_hosts: tuple[str, ...] = Field(
        default=(),
        description="Host names, addresses and networks of your own servers. Without them, links "
        "that come through the API are fetched from the public network only.",
    )
    aria2: RelayAria2Settings = RelayAria2Settings()
    concurrency: int = Field(default=5, ge=1, le=64, description="Downloads at a time.")
    connections_per_download: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Connections that a large file may use. With more than one, what a crash in "
        "a download's first second leaves is fetched again.",
    )
    download_limit_bytes: int = Field(
        default=0, ge=0, description="Bytes per second of all downloads together; 0 for no limit."
    )
    targets: dict[str, RelayTargetSettings] = Field(
        default_factory=dict,
        description="One table per place where files are kept; without any they stay here.",
    )
    upload_concurrency: int = Field(default=4, ge=1, le=64, description="Uploads at a time.")
    clean_local_files: bool = Field(
        default=True,
        description="Remove a file here as soon as all required targets have it, verified.",
    )
    disk_free_threshold_bytes: int = Field(
        default=1_073_741_824,
        ge=0,
        description="With less free space downloads pause until there is more.",
    )
    max_run_seconds: float = Field(
        default=3_600, gt=0, description="A run ends after this; the next one goes on."
    )
    worker_poll_seconds: int = Field(
        default=15, ge=5, description="How often work is looked for between runs."
    )
    max_attempts: int = Field(
        default=8, ge=1, description="A download or upload that failed so often is given up."
    )
    retry_backoff_initial_seconds: float = Field(
        default=10, gt=0, description="Pause after the first failure."
    )
    retry_backoff_multiplier: float = Field(
        default=3, ge=1, description="Each further pause is longer by this factor."
    )
    retry_backoff_max_seconds: float = Field(
        default=21_600, gt=0, description="Longest pause, also where Retry-After asks for more."
    )
    timeout_seconds: float = Field(
        default=60, gt=0, description="How long an origin may be silent."
    )
    torrent_stall_seconds: int = Field(
        default=1_800, ge=1, description="A torrent that gets nothing for so long is put off."
    )

    @model_validator(mode="after")
    def _targets_are_named(self) -> Self:
        for name in self.targets:
            if not TARGET_NAME.fullmatch(name):
                message = f"targets: the name {name!r} must be lower-case letters, digits, '_', '-'"
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _webhook_has_a_secret(self) -> Self:
        if self.enabled and self.receive is ReceiveMode.WEBHOOK and self.webhook_secret is None:
            message = "receive = 'webhook' needs webhook_secret"
            raise ValueError(message)
        return self
