"""What an answer of Telegram means for the posts it is about: write it down, and count it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.settings.telegram import TelegramSettings, UnknownPolicy
from sync_assets.telegram import chats, files, outbox
from sync_assets.telegram.client import Attachment, Posted
from sync_assets.telegram.errors import (
    AlbumBrokenError,
    AnswerLostError,
    BotRejectedError,
    ChatMigratedError,
    ChatRefusedError,
    FileIdRefusedError,
    PictureRefusedError,
    RateLimitedError,
    TelegramError,
    TooLargeError,
    UnreachableError,
)
from sync_assets.telegram.models import Fallback, MediaKind, PostState
from sync_assets.telegram.pacing import Pacer

_logger = logging.getLogger(__name__)


@dataclass
class SendingReport:
    """What one run did.

    Attributes:
        sent: Posts that Telegram confirmed.
        failed: Posts that were given up.
        unknown: Posts whose answer was lost, in this run or when an earlier one was killed.
        put_back: Posts that were refused and wait for their next attempt.
        rate_limited: Posts that Telegram put off because they came too fast.
        requests: Messages and albums that were sent or tried.
        reused: Files that were not uploaded, because Telegram had them already.
        paused: Chats that get the rest later, and why.
        problems: Chats that take no posts.
    """

    sent: int = 0
    failed: int = 0
    unknown: int = 0
    put_back: int = 0
    rate_limited: int = 0
    requests: int = 0
    reused: int = 0
    paused: dict[str, str] = field(default_factory=dict)
    problems: list[chats.ChatProblem] = field(default_factory=list)


@dataclass(frozen=True)
class Item:
    """A post and what is sent for it.

    Attributes:
        post: The post's row.
        attachment: The file; None where a link is sent instead.
    """

    post: AnyRow
    attachment: Attachment | None


class Settling:
    """Writes outcomes into the outbox.

    Args:
        settings: The rules.
        ledger: The ledger.
        pacer: Is told what Telegram says of its limits.
        bot_id: The bot.
        run_id: The Dagster run, for the history.
    """

    def __init__(
        self,
        settings: TelegramSettings,
        ledger: Ledger,
        pacer: Pacer,
        *,
        bot_id: str,
        run_id: str | None,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._pacer = pacer
        self._bot_id = bot_id
        self._run_id = run_id
        self.report = SendingReport()

    def settle_killed(self, partition: str) -> None:
        """Settle posts whose process ended before the answer; the lease says that none lives.

        Args:
            partition: The account.
        """
        reason = "The process that sent it ended before Telegram's answer came."
        with self._ledger.write() as connection:
            killed = outbox.posts_in_state(connection, PostState.SENDING, partition=partition)
            outbox.lose(connection, [row.id for row in killed], reason, run_id=self._run_id)
            self.report.unknown += len(killed)
            policy = self._settings.on_unknown
            if policy is UnknownPolicy.ASK:
                return
            for row in outbox.posts_in_state(connection, PostState.UNKNOWN, partition=partition):
                if policy is UnknownPolicy.ASSUME_SENT:
                    outbox.confirm(connection, row.id, None, run_id=self._run_id)
                elif row.attempts < self._settings.max_attempts:
                    outbox.put_back(connection, [row.id], run_id=self._run_id)

    def confirm(self, chat_id: str, items: Sequence[Item], posted: Sequence[Posted]) -> None:
        """Write down that Telegram confirmed a request.

        Args:
            chat_id: The chat, as its posts name it.
            items: What was sent, in the order of the request.
            posted: The messages, in the same order.
        """
        with self._ledger.write() as connection:
            for item, message in zip(items, posted, strict=True):
                outbox.confirm(connection, item.post.id, message.message_id, run_id=self._run_id)
                attachment = item.attachment
                if attachment is None or message.file_id is None:
                    continue
                self.report.reused += attachment.file_id is not None
                files.remember_file(
                    connection,
                    self._bot_id,
                    item.post.content_sha256,
                    MediaKind(item.post.kind),
                    files.KnownFile(attachment.kind, message.file_id),
                )
            chats.clear_problem(connection, chat_id)
        self.report.sent += len(posted)

    def settle(
        self, chat_id: str, target: str, posts: Sequence[AnyRow], error: TelegramError
    ) -> None:
        """Write down what else became of a request.

        Args:
            chat_id: The chat, as its posts name it.
            target: The chat, as Telegram knows it now.
            posts: What was to be posted, in the order of the request.
            error: What Telegram said.

        Raises:
            ChatRefusedError: The chat takes nothing; its posts wait.
            BotRejectedError: Nothing can be sent at all; the posts wait.
            UnreachableError: There was no connection; the posts wait.
        """
        _logger.warning("Chat %s, work %s: %s", chat_id, posts[0].work_id, error.message)
        match error:
            case AlbumBrokenError() if 0 <= error.position < len(posts):
                others = [post for post in posts if post is not posts[error.position]]
                self._lose(others, error)
                self.settle(chat_id, target, [posts[error.position]], error.cause)
            case AnswerLostError() | AlbumBrokenError():
                self._lose(posts, error)
            case RateLimitedError():
                self._pacer.block(target, error.retry_after_seconds)
                self.report.rate_limited += len(posts)
                with self._ledger.write() as connection:
                    outbox.put_off(connection, [post.id for post in posts], run_id=self._run_id)
            case ChatMigratedError():
                with self._ledger.write() as connection:
                    chats.record_migration(connection, chat_id, error.new_chat_id)
                self._put_back(posts)
            case ChatRefusedError():
                self._refuse_chat(chat_id, target, posts, error)
                raise error
            case UnreachableError() | BotRejectedError():
                self._put_back(posts)
                raise error
            case _:
                self._refuse_message(posts, error)

    def _refuse_message(self, posts: Sequence[AnyRow], error: TelegramError) -> None:
        if isinstance(error, FileIdRefusedError):
            with self._ledger.write() as connection:
                for post in posts:
                    files.forget_file(connection, self._bot_id, post.content_sha256)
            self.refuse(posts, error.message, pause=False)
        elif len(posts) > 1:
            # Telegram does not say which item it was.
            self.refuse(posts, error.message, Fallback.ALONE)
        elif isinstance(error, TooLargeError):
            self.refuse(posts, error.message, Fallback.LINK)
        elif isinstance(error, PictureRefusedError):
            self.refuse(posts, error.message, Fallback.DOCUMENT)
        else:
            self.refuse(posts, str(error))

    def refuse(
        self,
        posts: Sequence[AnyRow],
        reason: str,
        fallback: Fallback | None = None,
        *,
        pause: bool = True,
        pause_seconds: float | None = None,
    ) -> None:
        """Count a refusal; the last one that is allowed fails the post.

        Args:
            posts: What was refused.
            reason: Why, with what to do.
            fallback: How to send it next.
            pause: Whether to wait before that; another way is tried at once.
            pause_seconds: How long; without it, longer after each refusal.
        """
        settings = self._settings
        with self._ledger.write() as connection:
            for post in posts:
                if post.refusals + 1 >= settings.max_attempts:
                    outbox.give_up(connection, post.id, reason, run_id=self._run_id)
                    self.report.failed += 1
                    continue
                seconds = pause_seconds or backoff_seconds(settings, post.refusals)
                another_way = fallback is not None and fallback != post.fallback
                outbox.put_back(
                    connection,
                    [post.id],
                    run_id=self._run_id,
                    reason=reason,
                    refusals=post.refusals + 1,
                    fallback=fallback or post.fallback,
                    not_before=utc_now() + timedelta(seconds=seconds)
                    if pause and not another_way
                    else None,
                )
                self.report.put_back += 1

    def _refuse_chat(
        self, chat_id: str, target: str, posts: Sequence[AnyRow], error: ChatRefusedError
    ) -> None:
        problem = chats.ChatProblem(chat_id, error.message, error.remedy)
        with self._ledger.write() as connection:
            chats.record_problem(connection, problem)
        self._pacer.block(target, self._settings.retry_backoff_max_seconds)
        self._put_back(posts)
        self.report.problems.append(problem)

    def _put_back(self, posts: Sequence[AnyRow]) -> None:
        with self._ledger.write() as connection:
            outbox.put_back(connection, [post.id for post in posts], run_id=self._run_id)

    def _lose(self, posts: Sequence[AnyRow], error: TelegramError) -> None:
        with self._ledger.write() as connection:
            outbox.lose(connection, [post.id for post in posts], error.message, run_id=self._run_id)
        self.report.unknown += len(posts)


def backoff_seconds(settings: TelegramSettings, failures: int) -> float:
    """Return how long to wait after a failure.

    Args:
        settings: The rules.
        failures: How many there were before.
    """
    seconds = settings.retry_backoff_initial_seconds * settings.retry_backoff_multiplier**failures
    return min(seconds, settings.retry_backoff_max_seconds)
