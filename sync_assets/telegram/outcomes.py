"""What python-telegram-bot's exceptions mean for a message: refused why, or not known.

Measured with version 22.8. `__cause__` holds httpx's exception, which alone tells a request that
never left from one whose answer was lost.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sync_assets.telegram.errors import (
    AlbumBrokenError,
    AnswerLostError,
    BotRejectedError,
    ChatMigratedError,
    ChatRefusedError,
    FileIdRefusedError,
    PictureRefusedError,
    RateLimitedError,
    RefusedError,
    TelegramError,
    TooLargeError,
    UnreachableError,
)

_BROKEN_ALBUM = re.compile(
    r'failed to send message #(\d+) with the error message "(.*)"', re.IGNORECASE
)
_RETRY_AFTER = re.compile(r"retry after (\d+)", re.IGNORECASE)
_DEFAULT_RETRY_AFTER_SECONDS = 30.0
# Texts of the Bot API; it has no codes for them.
_CHAT_REFUSED = (
    "chat not found",
    "need administrator rights",
    "not enough rights",
    "have no rights to send",
    "chat_write_forbidden",
    "chat_send_",
    "user_is_blocked",
    "peer_id_invalid",
    "group chat was deactivated",
    "topic_closed",
)
_PICTURE_REFUSED = (
    "photo_invalid_dimensions",
    "photo_save_file_invalid",
    "photo_ext_invalid",
    "image_process_failed",
    "file of type photo",
    "too big for a photo",
)
_FILE_ID_REFUSED = (
    "wrong file identifier",
    "wrong remote file identifier",
    "file_reference",
    "wrong file_id",
    "can't use file of type",
)


@contextmanager
def classified() -> Generator[None]:
    """Turn whatever the library raises inside the block into one of `errors`.

    Raises:
        TelegramError: What became of the request.
    """
    from telegram.error import TelegramError as LibraryError  # noqa: PLC0415 - see `client`

    try:
        yield
    except LibraryError as error:
        # Not as its cause: some of the library's messages and frames hold the token.
        raise _meaning(error) from None


def _meaning(error: Any) -> TelegramError:
    from telegram import error as library  # noqa: PLC0415

    match error:
        case library.RetryAfter():
            seconds = error.retry_after
            if isinstance(seconds, timedelta):
                seconds = seconds.total_seconds()
            return RateLimitedError(float(seconds))
        case library.ChatMigrated():
            return ChatMigratedError(str(error.new_chat_id))
        case library.InvalidToken():
            return BotRejectedError(
                "Telegram does not know the bot: its token was revoked, or is wrong.",
                remedy="Connect again: get the token from @BotFather (/mybots, API Token), put "
                "it into telegram.bot_token, and restart. Nothing is lost: the posts wait.",
            )
        case library.Forbidden():
            return _chat_refused(error.message)
        case library.BadRequest():
            return _bad_request(error.message)
    return _network_error(error)


def _bad_request(message: str) -> TelegramError:
    broken = _BROKEN_ALBUM.search(message)
    if broken is not None:
        return AlbumBrokenError(int(broken[1]) - 1, _bad_request(broken[2]))
    lowered = message.lower()
    if "too many requests" in lowered:
        return RateLimitedError(_retry_after(message))
    if any(text in lowered for text in _CHAT_REFUSED):
        return _chat_refused(message)
    if any(text in lowered for text in _PICTURE_REFUSED):
        return PictureRefusedError(
            f"Telegram does not take the picture as a photo: {message}.",
            remedy="Nothing to do: it is sent as a document.",
        )
    if any(text in lowered for text in _FILE_ID_REFUSED):
        return FileIdRefusedError(
            f"Telegram does not know the file any more: {message}.",
            remedy="Nothing to do: it is uploaded again.",
        )
    return RefusedError(
        f"Telegram refused the message: {message}.",
        remedy="Look at what it says; then scripts/telegram-posts retry sends it again.",
    )


def _chat_refused(message: str) -> ChatRefusedError:
    return ChatRefusedError(
        f"The chat takes no messages from the bot: {message}.",
        remedy="Check the chat's id in telegram.chat_ids. Add the bot to the chat, in a channel "
        "as an administrator who may post; in a private chat, unblock it and send it /start. "
        "Its posts wait.",
    )


def _network_error(error: Any) -> TelegramError:
    # With rich and click, a tenth of a second; needed only when something went wrong.
    import httpx  # noqa: PLC0415

    never_left = (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.ProxyError,
        httpx.UnsupportedProtocol,
        httpx.LocalProtocolError,
    )
    cause = error.__cause__
    message = error.message.lower()
    if isinstance(cause, never_left):
        return UnreachableError(
            f"Telegram cannot be reached: {type(cause).__name__}.",
            remedy="Check the network, telegram.base_url and telegram.proxy. The posts wait.",
        )
    if "request entity too large" in message or message.endswith("(413)"):
        return TooLargeError(
            "The file is larger than the Bot API takes.", remedy="Nothing to do: a link is sent."
        )
    if "too many requests" in message:
        return RateLimitedError(_retry_after(message))
    reason = type(cause).__name__ if isinstance(cause, httpx.HTTPError) else error.message
    return AnswerLostError(
        f"Telegram's answer was lost ({reason}): the message may be posted or not.",
        remedy="Look into the chat, then say so with scripts/telegram-posts resolve.",
    )


def _retry_after(message: str) -> float:
    seconds = _RETRY_AFTER.search(message)
    return float(seconds[1]) if seconds else _DEFAULT_RETRY_AFTER_SECONDS
