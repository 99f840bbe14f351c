"""What the user decides about posts that no run decides: unknown ones and failed ones."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Connection, func, select

from sync_assets.errors import SyncError
from sync_assets.ledger.lifecycle import UnknownSubjectError
from sync_assets.ledger.schema import events, telegram_posts
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.telegram import outbox
from sync_assets.telegram.models import PostState

RESENT_DAYS = 7


class Decision(StrEnum):
    """What the user saw in the chat: the post is there, or it is to be sent again."""

    SENT = "sent"
    RESEND = "resend"


class NotUndecidedError(SyncError):
    """The post's state is known: there is nothing to decide."""


def resolve(connection: Connection, post_id: int, decision: Decision) -> None:
    """Decide what became of a post whose answer was lost.

    Args:
        connection: A writing transaction of the ledger.
        post_id: The post.
        decision: What the user saw in the chat.

    Raises:
        UnknownSubjectError: There is no such post.
        NotUndecidedError: Its state is not `unknown`.
    """
    state = connection.execute(
        select(telegram_posts.c.state).where(telegram_posts.c.id == post_id)
    ).scalar()
    if state is None:
        raise UnknownSubjectError(
            f"There is no Telegram post {post_id}.",
            remedy="scripts/telegram-posts list shows the ids.",
        )
    if state != PostState.UNKNOWN:
        raise NotUndecidedError(
            f"Telegram post {post_id} is {state}, not unknown.",
            remedy="Nothing to do; scripts/telegram-posts retry is for failed posts.",
        )
    if decision is Decision.SENT:
        outbox.confirm(connection, post_id, None, run_id=None)
    else:
        outbox.put_back(connection, [post_id], run_id=None, not_before=None)


def retry_failed(connection: Connection, post_ids: Sequence[int] = ()) -> list[int]:
    """Queue failed posts again, with all their attempts anew.

    Args:
        connection: A writing transaction of the ledger.
        post_ids: Which; without any, all.

    Returns:
        The posts that are queued now.
    """
    failed = [row.id for row in outbox.posts_in_state(connection, PostState.FAILED)]
    chosen = [each for each in failed if not post_ids or each in post_ids]
    outbox.put_back(connection, chosen, run_id=None, refusals=0, fallback=None, not_before=None)
    return chosen


def resent_unknown(connection: Connection) -> list[AnyRow]:
    """Return posts that runs sent again in the last week although they may have been there.

    Args:
        connection: A transaction of the ledger.
    """
    query = select(events.c.entity_id).where(
        events.c.entity == outbox.POSTS.name,
        events.c.previous_state == PostState.UNKNOWN,
        events.c.state == PostState.QUEUED,
        events.c.run_id.is_not(None),
        events.c.recorded_at >= utc_now() - timedelta(days=RESENT_DAYS),
    )
    ids = {int(each) for each in connection.execute(query).scalars()}
    rows = select(telegram_posts).where(telegram_posts.c.id.in_(ids)).order_by(telegram_posts.c.id)
    return list(connection.execute(rows).all())


def doubly_confirmed(connection: Connection) -> list[AnyRow]:
    """Return posts whose message another post of the same chat claims as well.

    Args:
        connection: A transaction of the ledger.
    """
    columns = telegram_posts.c
    claimed = (
        select(columns.chat_id, columns.message_id)
        .where(columns.message_id.is_not(None))
        .group_by(columns.chat_id, columns.message_id)
        .having(func.count() > 1)
        .subquery()
    )
    query = (
        select(telegram_posts)
        .join(
            claimed,
            (columns.chat_id == claimed.c.chat_id) & (columns.message_id == claimed.c.message_id),
        )
        .order_by(columns.id)
    )
    return list(connection.execute(query).all())
