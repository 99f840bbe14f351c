"""Answer messages with one status message each, which is edited when the state changes.

An album is answered once. Nothing is sent faster than Telegram's limits allow: what cannot be said
now is said later, as it is then.
"""

import logging
import time
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, and_, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import RateBudgetExhaustedError
from sync_assets.ledger.schema import relay_media, relay_messages, relay_replies
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import downloads, uploads
from sync_assets.relay.bot_api import BotApi, BotApiError, BotUnreachableError
from sync_assets.relay.media import MessageRef
from sync_assets.relay.models import DownloadState, MediaState, UploadState
from sync_assets.telegram.pacing import Pace, Pacer

NOTHING_TO_RELAY = (
    "There is nothing here that can be relayed: send a file, or an http, https or magnet link."
)
_MAXIMUM_LENGTH = 4_000
_MAXIMUM_LINES = 20
# An answer that was lost may be there: it is sent once more, and then never again.
_MAXIMUM_ATTEMPTS = 2
_AT_REST = (MediaState.RELAYED, MediaState.FAILED, MediaState.CANCELLED)
_WORDS: Mapping[str, str] = {
    DownloadState.PENDING: "waits",
    DownloadState.WAITING: "waits",
    DownloadState.DOWNLOADING: "is being downloaded",
    DownloadState.COMPLETED: "is downloaded",
    DownloadState.PAUSED: "is paused",
    DownloadState.FAILED: "has failed",
    DownloadState.CANCELLED: "is cancelled",
}
_UPLOAD_WORDS: Mapping[str, str] = {
    UploadState.WAITING_DOWNLOAD: "waits",
    UploadState.PENDING: "waits",
    UploadState.UPLOADING: "under way",
    UploadState.PAUSED: "paused",
    UploadState.COMPLETED: "done",
    UploadState.CLEANED: "done",
    UploadState.FAILED: "failed",
    UploadState.CANCELLED: "cancelled",
}

_logger = logging.getLogger(__name__)


def expect_reply(connection: Connection, message: MessageRef) -> None:
    """Say that a message is to be answered; of an album only one is.

    Args:
        connection: A writing transaction of the ledger.
        message: The message.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(relay_replies)
        .values(
            chat_id=message.chat_id,
            thread=message.thread,
            reply_to=message.message_id,
            is_settled=False,
            changed_at=utc_now(),
        )
        .on_conflict_do_update(
            index_elements=["chat_id", "thread"],
            set_={"is_settled": False, "changed_at": utc_now()},
        )
    )


class Replier:
    """Sends and edits status messages.

    Args:
        ledger: The ledger.
        bot: The bot.
        bot_id: Its id, by which its pace is shared with all who post.
        pace: How fast Telegram takes messages.
    """

    def __init__(
        self, ledger: Ledger, bot: BotApi, bot_id: str, *, pace: Pace | None = None
    ) -> None:
        self._ledger = ledger
        self._bot = bot
        self._pacer = Pacer(ledger, bot_id, pace or Pace())
        self._looked_at = utc_now()

    def reply(self, *, maximum_wait_seconds: float = 0.0) -> int:
        """Bring the status messages up to date, as far as Telegram takes them now.

        Args:
            maximum_wait_seconds: How long to wait for Telegram to take one.

        Returns:
            How many were sent or edited.
        """
        self._looked_at = utc_now()
        with self._ledger.read() as connection:
            due = [(row, *_status(connection, row)) for row in _unsettled(connection)]
        count = 0
        for row, text, is_final in due:
            if row.text == text:
                if is_final:
                    self._write(row, is_settled=True)
                continue
            try:
                wait = self._pacer.reserve(
                    row.chat_id, 1, maximum_wait_seconds=maximum_wait_seconds
                )
            except RateBudgetExhaustedError:
                continue
            time.sleep(wait)
            count += self._say(row, text, is_final=is_final)
        return count

    def _say(self, row: AnyRow, text: str, *, is_final: bool) -> bool:
        if row.message_id is None and row.attempts >= _MAXIMUM_ATTEMPTS:
            self._write(row, is_settled=True)
            return False
        message_id = row.message_id
        try:
            if message_id is None:
                self._write(row, attempts=row.attempts + 1)
                message_id = self._bot.send_message(row.chat_id, text, reply_to=row.reply_to)
            else:
                self._bot.edit_message(row.chat_id, message_id, text)
        except BotApiError as error:
            if error.status == 429:
                self._pacer.block(row.chat_id, error.retry_after_seconds or 30.0)
                self._write(row, attempts=row.attempts)
            elif error.status < 500:
                # The chat takes no message, or the message was deleted: the relay goes on.
                _logger.warning("No answer in chat %s: %s", row.chat_id, error.message)
                self._write(row, is_settled=True)
            return False
        except BotUnreachableError as error:
            _logger.warning("No answer in chat %s for now: %s", row.chat_id, error.message)
            return False
        self._write(row, message_id=message_id, text=text, is_settled=is_final)
        return True

    def _write(self, row: AnyRow, **values: object) -> None:
        with self._ledger.write() as connection:
            connection.execute(
                update(relay_replies)
                .where(relay_replies.c.id == row.id)
                # What changed since this look is news again.
                .values(changed_at=self._looked_at, **values)
            )


def _unsettled(connection: Connection) -> Sequence[AnyRow]:
    replies, messages, medium = relay_replies.c, relay_messages.c, relay_media.c
    has_changed = exists().where(
        messages.chat_id == replies.chat_id,
        messages.thread == replies.thread,
        medium.id == messages.media_id,
        medium.changed_at > replies.changed_at,
    )
    query = select(relay_replies).where(
        or_(replies.is_settled.is_(False), and_(replies.is_settled, has_changed))
    )
    return connection.execute(query.order_by(replies.id)).all()


def _status(connection: Connection, reply: AnyRow) -> tuple[str, bool]:
    """Return what a status message is to say, and whether that will stay."""
    query = (
        select(relay_messages.c.media_id)
        .where(relay_messages.c.chat_id == reply.chat_id, relay_messages.c.thread == reply.thread)
        .order_by(relay_messages.c.message_id, relay_messages.c.id)
    )
    found = [
        row
        for media_id in dict.fromkeys(connection.execute(query).scalars())
        if (row := downloads.latest(connection, media_id)) is not None
    ]
    if not found:
        return NOTHING_TO_RELAY, True
    lines = [_line(row, uploads.uploads_of(connection, [row.id])) for row in found[:_MAXIMUM_LINES]]
    if len(found) > _MAXIMUM_LINES:
        lines.append(f"and {len(found) - _MAXIMUM_LINES} more")
    is_final = all(row.media_state in _AT_REST for row in found)
    return "\n".join(lines)[:_MAXIMUM_LENGTH], is_final


def _line(row: AnyRow, found: Sequence[AnyRow]) -> str:
    name = row.media_name or row.media_link or "The file"
    if row.media_state == MediaState.RELAYED:
        return f"{name} is relayed."
    if row.state == DownloadState.COMPLETED and found:
        return f"{name} is downloaded. {' '.join(_upload_words(each) for each in found)}"
    reason = f": {row.reason}" if row.reason else "."
    return f"{name} {_WORDS[row.state]}{reason}"


def _upload_words(row: AnyRow) -> str:
    words = _UPLOAD_WORDS[row.state]
    reason = f": {row.failure_reason}" if row.failure_reason else "."
    return f"To {row.target}: {words}{reason}"
