"""The configuration of the Telegram domain: the bot, its chats, and how posts look."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, model_validator

from sync_assets.settings.caption_templates import DEFAULT_TEMPLATE, valid_caption_template
from sync_assets.settings.section import Section


class UnknownPolicy(StrEnum):
    """What becomes of a post whose answer was lost.

    `ask`: it waits for the user. `resend`: it is sent again, at the risk of a duplicate.
    `assume_sent`: it is taken for sent, at the risk of a loss.
    """

    ASK = "ask"
    RESEND = "resend"
    ASSUME_SENT = "assume_sent"


def _valid_chat_id(chat_id: str) -> str:
    if not re.fullmatch(r"-?\d{1,18}|@[A-Za-z][A-Za-z0-9_]{3,31}", chat_id):
        message = "must be a chat's number such as '-1001234567890', or a name such as '@channel'"
        raise ValueError(message)
    return chat_id


ChatId = Annotated[str, AfterValidator(_valid_chat_id)]
"""A chat: by number or @name."""


def _valid_token(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"\d+:[A-Za-z0-9_-]+", token.get_secret_value()):
        message = "is no bot token; @BotFather gives one such as '123456:ABC-DEF'"
        raise ValueError(message)
    return token


def _valid_proxy(proxy: SecretStr) -> SecretStr:
    if not re.match(r"(https?|socks5h?)://[^/\s]+", proxy.get_secret_value()):
        message = "must be an address such as 'http://proxy.lan:3128' or 'socks5://…'"
        raise ValueError(message)
    return proxy


class TelegramSettings(Section):
    """The bot and its chats. Off without a token."""

    bot_token: Annotated[SecretStr, AfterValidator(_valid_token)] | None = Field(
        default=None, description="The bot's token, from @BotFather."
    )
    chat_ids: tuple[ChatId, ...] = Field(
        default=(), description="Chats that receive every post, by number or @name."
    )
    caption_template: Annotated[str, AfterValidator(valid_caption_template)] = Field(
        default=DEFAULT_TEMPLATE,
        description="Telegram's HTML, with {title}, {author}, {author_id}, {work_id}, {url}, "
        "{tags}, {rating} and {ai}. A line whose fields are all empty is left out.",
    )
    caption_max_length: int = Field(
        default=1_024,
        ge=1,
        le=1_024,
        description="Longest caption, in UTF-16 units of what a reader sees. Tags go first, then "
        "the end of the title.",
    )
    include_tags: bool = Field(default=True, description="Fill {tags}.")
    send_media_group: bool = Field(
        default=True, description="Send the pages of a work as albums of up to ten."
    )
    document_fallback: bool = Field(
        default=False,
        description="Send a picture that is no legal photo (10 MB, width + height 10000) as a "
        "document; else a smaller copy as a photo.",
    )
    disable_notifications: bool = Field(default=False, description="Post silently.")
    on_unknown: UnknownPolicy = Field(
        default=UnknownPolicy.ASK,
        description="What becomes of a post whose answer was lost: ask, resend, assume_sent.",
    )
    worker_poll_seconds: int = Field(
        default=60, ge=5, description="How often queued posts are looked for between runs."
    )
    max_run_seconds: float = Field(
        default=480, gt=0, description="A run stops sending after this; the next one goes on."
    )
    max_attempts: int = Field(
        default=5, ge=1, description="A post that was refused so often is failed."
    )
    retry_backoff_initial_seconds: float = Field(
        default=10, gt=0, description="Pause after the first refusal."
    )
    retry_backoff_multiplier: float = Field(
        default=2, ge=1, description="Each further pause is longer by this factor."
    )
    retry_backoff_max_seconds: float = Field(
        default=3_600, gt=0, description="Longest pause, also of a chat that takes no posts."
    )
    timeout_seconds: float = Field(
        default=60, gt=0, description="How long Telegram may be silent; uploads may take longer."
    )
    proxy: Annotated[SecretStr, AfterValidator(_valid_proxy)] | None = Field(
        default=None, description="A proxy for the Bot API alone, with its password if any."
    )
    base_url: HttpUrl = Field(
        default=HttpUrl("https://api.telegram.org"),
        description="Address of the Bot API, for a server of one's own.",
    )

    @property
    def is_configured(self) -> bool:
        """Whether there is a bot."""
        return self.bot_token is not None

    @model_validator(mode="after")
    def _chats_have_a_bot(self) -> Self:
        if self.chat_ids and self.bot_token is None:
            message = "chat_ids needs bot_token; @BotFather gives one"
            raise ValueError(message)
        return self
