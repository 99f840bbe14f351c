"""The one place that talks to the Bot API, through python-telegram-bot's `Bot`.

Knows nothing of the outbox. Every method returns what was posted or raises one of `errors`.
Limits and retries are the caller's: a message that is sent again must be known not to be there.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pydantic import SecretStr

from sync_assets.settings.telegram import TelegramSettings
from sync_assets.telegram.errors import BotRejectedError
from sync_assets.telegram.models import MediaKind
from sync_assets.telegram.outcomes import classified

if TYPE_CHECKING:
    import telegram

_CONNECT_SECONDS = 15.0
_CONNECTIONS = 16


@dataclass(frozen=True)
class Attachment:
    """A file to send: by its id if Telegram has it already, else by its content.

    Attributes:
        kind: How it is sent.
        file_name: What a receiver sees as a document's name.
        content: Its bytes, or where they are; None with `file_id`.
        file_id: Telegram's id of it.
        size_bytes: How much has to be uploaded.
    """

    kind: MediaKind
    file_name: str
    content: bytes | Path | None = None
    file_id: str | None = None
    size_bytes: int = 0


@dataclass(frozen=True)
class Posted:
    """A message that Telegram confirmed.

    Attributes:
        message_id: Its id in the chat.
        file_id: Telegram's id of its file; None for a text.
    """

    message_id: int
    file_id: str | None


class TelegramClient:
    """A bot, for the length of an `async with` block.

    Args:
        settings: The bot's token and how to reach Telegram.

    Raises:
        BotRejectedError: There is no token.
    """

    def __init__(self, settings: TelegramSettings) -> None:
        if settings.bot_token is None:
            raise BotRejectedError(
                "No Telegram bot is configured.",
                remedy="Set telegram.bot_token and telegram.chat_ids in sync.toml.",
            )
        self._token: SecretStr = settings.bot_token
        self._settings = settings
        self._bot: telegram.Bot | None = None

    @property
    def bot_id(self) -> str:
        """The bot's id, which stays the same when its token is renewed."""
        return bot_id(self._token)

    async def __aenter__(self) -> Self:
        """Open connections; the first request shows whether they work."""
        # A third of a second to import, needed only where something is sent.
        from telegram import Bot  # noqa: PLC0415
        from telegram.request import HTTPXRequest  # noqa: PLC0415

        # httpx logs every address at INFO, and the address holds the token.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        settings = self._settings
        proxy = settings.proxy.get_secret_value() if settings.proxy else None
        seconds = settings.timeout_seconds
        request = HTTPXRequest(
            connection_pool_size=_CONNECTIONS,
            connect_timeout=min(_CONNECT_SECONDS, seconds),
            pool_timeout=seconds,
            read_timeout=seconds,
            write_timeout=seconds,
            media_write_timeout=seconds,
            proxy=proxy,
            # Only telegram.proxy counts: a proxy for Pixiv in the environment is not meant here.
            httpx_kwargs={"trust_env": False},
        )
        base_url = f"{str(settings.base_url).rstrip('/')}/bot"
        self._bot = Bot(self._token.get_secret_value(), base_url=base_url, request=request)
        await request.initialize()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.bot.request.shutdown()

    @property
    def bot(self) -> "telegram.Bot":
        """The bot of python-telegram-bot, for methods that are not here; see `outcomes`."""
        if self._bot is None:
            message = "TelegramClient is used outside of its async with block"
            raise RuntimeError(message)
        return self._bot

    async def check(self) -> str:
        """Make sure that Telegram can be reached and knows the bot.

        Returns:
            The bot's user name.

        Raises:
            TelegramError: It cannot be reached, or refuses the bot.
        """
        with classified():
            user = await self.bot.get_me()
        return user.username or str(user.id)

    async def send_text(self, chat_id: str, text: str, *, silent: bool = False) -> Posted:
        """Send a text without a file.

        Args:
            chat_id: The chat's number or @name.
            text: Telegram's HTML.
            silent: Whether receivers get no sound.

        Returns:
            The message.

        Raises:
            TelegramError: What else became of it.
        """
        with classified():
            message = await self.bot.send_message(
                chat_id, text, parse_mode="HTML", disable_notification=silent
            )
            return Posted(message.message_id, None)

    async def send_file(
        self, chat_id: str, attachment: Attachment, *, caption: str = "", silent: bool = False
    ) -> Posted:
        """Send one file.

        Args:
            chat_id: The chat's number or @name.
            attachment: The file.
            caption: Telegram's HTML.
            silent: Whether receivers get no sound.

        Returns:
            The message.

        Raises:
            TelegramError: What else became of it.
        """
        senders = {
            MediaKind.PHOTO: self.bot.send_photo,
            MediaKind.ANIMATION: self.bot.send_animation,
            MediaKind.VIDEO: self.bot.send_video,
            MediaKind.DOCUMENT: self.bot.send_document,
        }
        file: Any = attachment.file_id or _bytes(attachment)
        with classified():
            message = await senders[attachment.kind](
                chat_id,
                file,
                caption=caption or None,
                parse_mode="HTML",
                filename=attachment.file_name,
                disable_notification=silent,
            )
            return Posted(message.message_id, _file_id(message, attachment.kind))

    async def send_album(
        self,
        chat_id: str,
        attachments: Sequence[Attachment],
        *,
        caption: str = "",
        silent: bool = False,
    ) -> list[Posted]:
        """Send 2 to 10 files as one album: photos and videos, or documents.

        Args:
            chat_id: The chat's number or @name.
            attachments: The files, in order.
            caption: Telegram's HTML, shown below the whole album.
            silent: Whether receivers get no sound.

        Returns:
            The messages, in the order of the files.

        Raises:
            AlbumBrokenError: It was posted in part.
            TelegramError: What else became of it.
        """
        from telegram import (  # noqa: PLC0415 - see __aenter__
            InputMediaDocument,
            InputMediaPhoto,
            InputMediaVideo,
        )

        kinds = {
            MediaKind.PHOTO: InputMediaPhoto,
            MediaKind.VIDEO: InputMediaVideo,
            MediaKind.DOCUMENT: InputMediaDocument,
        }
        media: list[Any] = [
            kinds[each.kind](
                each.file_id or _bytes(each),
                caption=caption if number == 0 and caption else None,
                parse_mode="HTML",
                filename=each.file_name,
            )
            for number, each in enumerate(attachments)
        ]
        with classified():
            messages = await self.bot.send_media_group(chat_id, media, disable_notification=silent)
            return [
                Posted(message.message_id, _file_id(message, each.kind))
                for message, each in zip(messages, attachments, strict=True)
            ]


def bot_id(token: SecretStr) -> str:
    """Return the id in a bot's token, which is not secret."""
    return token.get_secret_value().partition(":")[0]


def _bytes(attachment: Attachment) -> bytes:
    if isinstance(attachment.content, Path):
        return attachment.content.read_bytes()
    return attachment.content or b""


def _file_id(message: Any, kind: MediaKind) -> str | None:
    found = getattr(message, kind.value)
    if kind is MediaKind.PHOTO:
        return found[-1].file_id if found else None
    return found.file_id if found else None
