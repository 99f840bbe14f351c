"""The outbox: posts from the moment they are wanted until Telegram has confirmed them.

Holds the only functions that write to `telegram_posts`. What is sent when, and what an answer
means for a post, is decided in `sending`.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import telegram_posts
from sync_assets.ledger.types import utc_now
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
