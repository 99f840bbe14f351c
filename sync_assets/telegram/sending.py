"""Send what the outbox holds: one request after another in each chat, all chats at once.

The attempt is written before Telegram is asked and its outcome after, so that whatever ends this
process leaves posts that are queued, sent, or known to be unknown.
"""

import asyncio
import html
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import Lease
from sync_assets.ledger.rate_budgets import RateBudgetExhaustedError
from sync_assets.ledger.types import AnyRow
from sync_assets.settings.telegram import TelegramSettings
from sync_assets.telegram import chats, files, outbox
from sync_assets.telegram.albums import albums, even_parts
from sync_assets.telegram.captions import render_caption
from sync_assets.telegram.client import Attachment, Posted, TelegramClient
from sync_assets.telegram.errors import (
    AnswerLostError,
    ChatRefusedError,
    TelegramError,
    UnreachableError,
)
from sync_assets.telegram.models import Fallback, MediaKind, Work
from sync_assets.telegram.pacing import Pace, Pacer
from sync_assets.telegram.preparing import MAXIMUM_UPLOAD_BYTES, MediaMissingError, prepare
from sync_assets.telegram.settling import Item, SendingReport, Settling, backoff_seconds

LOST_IN_A_ROW = 3
"""So many lost answers end a run: each leaves posts that only the user can decide about."""

_logger = logging.getLogger(__name__)


class Sender:
    """Sends the posts of one account.

    Args:
        settings: The bot, its chats and the rules.
        ledger: The ledger.
        lease: Proves that no other process sends this account's posts.
        partition: The account.
        chat_ids: The account's chats, as they are configured.
        run_id: The Dagster run, for the history.
        pace: How fast Telegram takes messages.
    """

    def __init__(  # noqa: PLR0913 - all but three are named
        self,
        settings: TelegramSettings,
        ledger: Ledger,
        lease: Lease,
        *,
        partition: str,
        chat_ids: Sequence[str],
        run_id: str | None,
        pace: Pace | None = None,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._lease = lease
        self._partition = partition
        self._chat_ids = tuple(chat_ids)
        self._run_id = run_id
        self._client = TelegramClient(settings)
        self._pacer = Pacer(ledger, self._client.bot_id, pace or Pace())
        self._ends_at = time.monotonic() + settings.max_run_seconds
        self._stopped = False
        self._failed_connections = 0
        self._lost_answers = 0
        self._settling = Settling(
            settings, ledger, self._pacer, bot_id=self._client.bot_id, run_id=run_id
        )

    @property
    def report(self) -> SendingReport:
        """What was done so far."""
        return self._settling.report

    async def send(self) -> SendingReport:
        """Send what is due, until nothing is or the time is over.

        Returns:
            What was done. A chat that takes nothing is in it, and did not stop the others.

        Raises:
            BotRejectedError: The token is not valid any more.
            UnreachableError: Telegram cannot be reached.
            AnswerLostError: Its answers are lost, one after the other.
            LeaseLostError: Another process may send by now.
        """
        self._settling.settle_killed(self._partition)
        with self._ledger.read() as connection:
            wanted = chats.original_chat_ids(connection, self._chat_ids)
            due = outbox.due_chats(connection, self._partition, wanted)
        if not due:
            return self.report
        async with self._client:
            await self._until_reached(self._client.check)
            results = await asyncio.gather(
                *(self._serve_chat(chat_id) for chat_id in due), return_exceptions=True
            )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return self.report

    # One chat.

    async def _serve_chat(self, chat_id: str) -> None:
        try:
            while not self._stopped and self._seconds_left() > 0:
                with self._ledger.read() as connection:
                    posts = outbox.next_work(connection, self._partition, chat_id)
                if not posts:
                    return
                await self._send_part(chat_id, even_parts(posts)[0])
            self.report.paused[chat_id] = "The time of this run is over; the next one goes on."
        except RateBudgetExhaustedError as error:
            self.report.paused[chat_id] = error.message
        except ChatRefusedError as error:
            _logger.warning("Chat %s takes no posts: %s", chat_id, error.message)
        except BaseException:
            # What stops one chat for such a reason stops all; each finishes its request first.
            self._stopped = True
            raise

    async def _send_part(self, chat_id: str, posts: Sequence[AnyRow]) -> None:
        items = []
        for post in posts:
            try:
                items.append(await asyncio.to_thread(self._prepared, post))
            except MediaMissingError as error:
                with self._ledger.write() as connection:
                    outbox.begin(connection, [post.id], run_id=self._run_id)
                self._settling.refuse(
                    [post],
                    str(error),
                    # A drive that is away for some minutes must not cost every post's attempts.
                    pause_seconds=self._settings.retry_backoff_max_seconds,
                )
        groups = albums(items, self._album_kind, _upload_bytes, maximum_bytes=MAXIMUM_UPLOAD_BYTES)
        for group in groups:
            if self._stopped:
                return
            await self._send_group(chat_id, group)

    def _prepared(self, post: AnyRow) -> Item:
        kind = MediaKind(post.kind)
        fallback = None if post.fallback is None else Fallback(post.fallback)
        path = Path(post.path)
        if fallback in (None, Fallback.ALONE):
            with self._ledger.read() as connection:
                known = files.known_file(connection, self._client.bot_id, post.content_sha256, kind)
            if known is not None:
                attachment = Attachment(known.sent_as, path.name, file_id=known.file_id)
                return Item(post, attachment)
        attachment = prepare(
            path, kind, fallback=fallback, document_fallback=self._settings.document_fallback
        )
        return Item(post, attachment)

    def _album_kind(self, item: Item) -> MediaKind | None:
        if not self._settings.send_media_group or item.post.fallback == Fallback.ALONE:
            return None
        return None if item.attachment is None else item.attachment.kind

    # One request.

    async def _send_group(self, chat_id: str, items: Sequence[Item]) -> None:
        posts = [item.post for item in items]
        with self._ledger.read() as connection:
            target = chats.current_chat_id(connection, chat_id)
        wait = self._pacer.reserve(
            target, len(items), maximum_wait_seconds=max(0.0, self._seconds_left())
        )
        await asyncio.sleep(wait)
        if self._stopped:
            return
        self._lease.require()
        with self._ledger.write() as connection:
            outbox.begin(connection, [post.id for post in posts], run_id=self._run_id)
        self.report.requests += 1
        try:
            posted = await self._request(target, items)
        except TelegramError as error:
            try:
                self._settling.settle(chat_id, target, posts, error)
            except UnreachableError as unreachable:
                await self._pause_after_failed_connection(unreachable)
            if isinstance(error, AnswerLostError):
                await self._after_lost_answer(error)
        except OSError as error:
            # Files are read before anything is sent; the network's errors are `TelegramError`s.
            self._settling.refuse(posts, f"A file cannot be read: {error}.")
        else:
            self._settling.confirm(chat_id, items, posted)
            self._failed_connections = 0
            self._lost_answers = 0
        finally:
            self._pacer.arrived(target, len(items))

    async def _request(self, target: str, items: Sequence[Item]) -> list[Posted]:
        caption = self._caption(items[0].post)
        silent = self._settings.disable_notifications
        attachments = [item.attachment for item in items if item.attachment is not None]
        if not attachments:
            text = _link_text(caption, items[0].post)
            return [await self._client.send_text(target, text, silent=silent)]
        if len(attachments) == 1:
            return [
                await self._client.send_file(target, attachments[0], caption=caption, silent=silent)
            ]
        return await self._client.send_album(target, attachments, caption=caption, silent=silent)

    def _caption(self, post: AnyRow) -> str:
        return render_caption(
            self._settings.caption_template,
            Work.from_json(post.work),
            maximum_length=self._settings.caption_max_length,
            include_tags=self._settings.include_tags,
        )

    # Waiting.

    def _seconds_left(self) -> float:
        return self._ends_at - time.monotonic()

    async def _pause_after_failed_connection(self, error: TelegramError) -> None:
        seconds = backoff_seconds(self._settings, self._failed_connections)
        self._failed_connections += 1
        exhausted = self._failed_connections >= self._settings.max_attempts
        if exhausted or seconds > self._seconds_left():
            raise error
        await asyncio.sleep(seconds)

    async def _after_lost_answer(self, error: AnswerLostError) -> None:
        """Make sure that Telegram answers at all, before more posts become unknown."""
        self._lost_answers += 1
        if self._lost_answers >= LOST_IN_A_ROW:
            raise error
        await self._until_reached(self._client.check)

    async def _until_reached(self, check: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await check()
            except (UnreachableError, AnswerLostError) as error:
                # Nothing is posted by a check; asking again harms nobody.
                await self._pause_after_failed_connection(error)
            else:
                self._failed_connections = 0
                return


def _upload_bytes(item: Item) -> int:
    return item.attachment.size_bytes if item.attachment else 0


def _link_text(caption: str, post: AnyRow) -> str:
    """Return the text that stands for a file which is too large to send."""
    url = html.escape(post.work["url"])
    name = html.escape(Path(post.path).name)
    return "\n".join([part for part in (caption, name, url if url not in caption else "") if part])
