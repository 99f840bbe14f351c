"""The outbox: posts from the moment they are wanted until Telegram has confirmed them.

Holds the only functions that write to `telegram_posts`. What is sent when, and what an answer
means for a post, is decided in `sending`.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import telegram_posts
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.telegram.chats import original_chat_ids
from sync_assets.telegram.models import Media, MediaKind, PostState, Work

__all__ = ["Media", "MediaKind", "Work", "enqueue"]

POSTS = Lifecycle(
    "telegram_post",
    states=PostState,
    initial={PostState.QUEUED},
    transitions={
        PostState.QUEUED: {PostState.SENDING, PostState.FAILED},
        PostState.SENDING: {
            PostState.SENT,
            PostState.QUEUED,
            PostState.FAILED,
            PostState.UNKNOWN,
        },
        PostState.FAILED: {PostState.QUEUED},
        PostState.UNKNOWN: {PostState.SENT, PostState.QUEUED},
    },
)
POSTS.bind(telegram_posts)

_KEY = ("chat_id", "source", "work_id", "page", "content_sha256")


def enqueue(
    connection: Connection,
    *,
    partition: str,
    work: Work,
    media: Sequence[Media],
    chat_ids: Sequence[str],
) -> int:
    """Queue a work's media for chats, as far as they are not queued or sent yet.

    A post is known by chat, source, work, page and content. Doing it again changes nothing.

    Args:
        connection: A writing transaction of the ledger.
        partition: The account whose run sends it.
        work: What the caption says.
        media: The files, in the order of their pages.
        chat_ids: The chats, as they are configured.

    Returns:
        How many posts are new.
    """
    now = utc_now()
    fields = work.as_json()
    rows = [
        {
            "partition": partition,
            "chat_id": chat_id,
            "source": work.source,
            "work_id": work.work_id,
            "page": each.page,
            "content_sha256": each.content_sha256,
            "kind": each.kind,
            "path": str(each.path),
            "work": fields,
            "created_at": now,
        }
        for chat_id in original_chat_ids(connection, chat_ids)
        for each in media
    ]
    return sum(row_id is not None for row_id in POSTS.create(connection, rows, unique=_KEY))


def due_chats(connection: Connection, partition: str, chat_ids: Collection[str]) -> list[str]:
    """Return the chats that have posts to send now.

    Args:
        connection: A transaction of the ledger.
        partition: The account whose posts count.
        chat_ids: The chats that are configured, by the ids that posts name them by; posts for
            others wait until those are configured again.
    """
    columns = telegram_posts.c
    query = (
        select(columns.chat_id)
        .where(columns.partition == partition, columns.chat_id.in_(chat_ids), *_due())
        .distinct()
    )
    found = set(connection.execute(query).scalars())
    return [chat_id for chat_id in chat_ids if chat_id in found]


def next_work(connection: Connection, partition: str, chat_id: str) -> list[AnyRow]:
    """Return the posts of one work that a chat is to get next, in the order of their pages.

    Args:
        connection: A transaction of the ledger.
        partition: The account whose posts count.
        chat_id: The chat.
    """
    columns = telegram_posts.c
    mine = (columns.partition == partition, columns.chat_id == chat_id, *_due())
    first = connection.execute(
        select(columns.source, columns.work_id).where(*mine).order_by(columns.id).limit(1)
    ).one_or_none()
    if first is None:
        return []
    query = (
        select(telegram_posts)
        .where(*mine, columns.source == first.source, columns.work_id == first.work_id)
        .order_by(columns.page, columns.id)
    )
    return list(connection.execute(query).all())


def begin(connection: Connection, ids: Sequence[int], *, run_id: str | None) -> None:
    """Write that posts are about to be sent; call it before Telegram is asked.

    Args:
        connection: A writing transaction of the ledger.
        ids: The posts of one request.
        run_id: The Dagster run.
    """
    attempts = telegram_posts.c.attempts + 1
    POSTS.transition_all(
        connection, ids, PostState.SENDING, run_id=run_id, attempts=attempts, reason=None
    )


def confirm(
    connection: Connection, post_id: int, message_id: int | None, *, run_id: str | None
) -> None:
    """Write that Telegram confirmed a post, or that the user has seen it.

    Args:
        connection: A writing transaction of the ledger.
        post_id: The post.
        message_id: Its message in the chat, where that is known.
        run_id: The Dagster run; None where the user says so.
    """
    POSTS.transition(
        connection,
        post_id,
        PostState.SENT,
        run_id=run_id,
        message_id=message_id,
        sent_at=utc_now(),
        not_before=None,
        reason=None,
    )


def put_back(
    connection: Connection, ids: Sequence[int], *, run_id: str | None, **changes: Any
) -> None:
    """Queue posts again: they are surely not posted.

    Args:
        connection: A writing transaction of the ledger.
        ids: The posts.
        run_id: The Dagster run; None where the user wants it.
        **changes: Other columns to set, such as `not_before`.
    """
    POSTS.transition_all(connection, ids, PostState.QUEUED, run_id=run_id, **changes)


def put_off(connection: Connection, ids: Sequence[int], *, run_id: str | None) -> None:
    """Queue posts again that came too fast for Telegram.

    Args:
        connection: A writing transaction of the ledger.
        ids: The posts.
        run_id: The Dagster run.
    """
    put_back(connection, ids, run_id=run_id, rate_limited=telegram_posts.c.rate_limited + 1)


def give_up(connection: Connection, post_id: int, reason: str, *, run_id: str | None) -> None:
    """Write that a post failed for good.

    Args:
        connection: A writing transaction of the ledger.
        post_id: The post.
        reason: Why, with what to do.
        run_id: The Dagster run.
    """
    POSTS.transition(
        connection,
        post_id,
        PostState.FAILED,
        run_id=run_id,
        reason=reason,
        refusals=telegram_posts.c.refusals + 1,
    )


def lose(connection: Connection, ids: Sequence[int], reason: str, *, run_id: str | None) -> None:
    """Write that nobody knows whether posts are there.

    Args:
        connection: A writing transaction of the ledger.
        ids: The posts.
        reason: Why.
        run_id: The Dagster run.
    """
    POSTS.transition_all(connection, ids, PostState.UNKNOWN, run_id=run_id, reason=reason)


def posts_in_state(
    connection: Connection,
    *states: PostState,
    partition: str | None = None,
    chat_ids: Collection[str] | None = None,
) -> list[AnyRow]:
    """Return posts, oldest first.

    Args:
        connection: A transaction of the ledger.
        *states: Their states.
        partition: Only those of this account.
        chat_ids: Only those for these chats.
    """
    columns = telegram_posts.c
    query = select(telegram_posts).where(columns.state.in_(states)).order_by(columns.id)
    if partition is not None:
        query = query.where(columns.partition == partition)
    if chat_ids is not None:
        query = query.where(columns.chat_id.in_(chat_ids))
    return list(connection.execute(query).all())


def _due() -> tuple[ColumnElement[bool], ...]:
    columns = telegram_posts.c
    return (
        columns.state == PostState.QUEUED,
        or_(columns.not_before.is_(None), columns.not_before <= utc_now()),
    )
