"""What Telegram's answers mean: posted, refused for a reason, or not known.

Each error says what became of the message, so that its handler needs no other knowledge.
"""

from sync_assets.errors import SyncError


class TelegramError(SyncError):
    """The base of all; except for `AnswerLostError` and `AlbumBrokenError`, nothing was posted."""


class BotRejectedError(TelegramError):
    """The token is not, or no longer, valid: nothing can be sent at all."""


class UnreachableError(TelegramError):
    """No connection could be made."""


class RateLimitedError(TelegramError):
    """Too fast.

    Attributes:
        retry_after_seconds: How long Telegram wants to hear nothing.
    """

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__(
            f"Telegram takes no more messages for {retry_after_seconds:.0f} s.",
            remedy="Nothing to do: they are sent after that.",
        )
        self.retry_after_seconds = retry_after_seconds


class ChatRefusedError(TelegramError):
    """The chat takes no message from this bot."""


class ChatMigratedError(TelegramError):
    """The group became a supergroup.

    Attributes:
        new_chat_id: The id that it has now.
    """

    def __init__(self, new_chat_id: str) -> None:
        super().__init__(
            f"The group became a supergroup and is {new_chat_id} now.",
            remedy="Nothing to do: its posts go there. Put the new id into telegram.chat_ids.",
        )
        self.new_chat_id = new_chat_id


class RefusedError(TelegramError):
    """Telegram does not take this message as it is."""


class PictureRefusedError(RefusedError):
    """Telegram does not take the picture as a photo."""


class TooLargeError(RefusedError):
    """The request has more bytes than the server takes."""


class FileIdRefusedError(RefusedError):
    """Telegram does not know the file by its id any more."""


class AnswerLostError(TelegramError):
    """The message may or may not be posted: it was sent, and no answer came that tells."""


class AlbumBrokenError(TelegramError):
    """An album was posted in part.

    Attributes:
        position: Which item was surely not posted, from 0.
        cause: Why it was not.
    """

    def __init__(self, position: int, cause: TelegramError) -> None:
        super().__init__(
            f"Of the album, item {position + 1} was not posted: {cause.message} "
            "Of the others Telegram does not say.",
            remedy="Look into the chat, then use scripts/telegram-posts.",
        )
        self.position = position
        self.cause = cause
