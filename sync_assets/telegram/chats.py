"""What is known of chats: where a group moved to, and why a chat takes no posts.

Holds the only functions that write to `telegram_chats`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.ledger.schema import telegram_chats
from sync_assets.ledger.types import utc_now


@dataclass(frozen=True)
class ChatProblem:
    """Why a chat takes no posts.

    Attributes:
        chat_id: The chat, as its posts name it.
        problem: What Telegram said.
        remedy: What the user can do.
    """

    chat_id: str
    problem: str
    remedy: str


def original_chat_ids(connection: Connection, chat_ids: Iterable[str]) -> list[str]:
    """Return the ids that posts name chats by.

    A group that became a supergroup has a new id; its posts keep the old one, so that nothing is
    posted again once the configuration has the new one.

    Args:
        connection: A transaction of the ledger.
        chat_ids: The ids that are configured.
    """
    query = select(telegram_chats.c.migrated_to, telegram_chats.c.chat_id).where(
        telegram_chats.c.migrated_to.is_not(None)
    )
    originals = {row.migrated_to: row.chat_id for row in connection.execute(query)}
    return list(dict.fromkeys(originals.get(each, each) for each in chat_ids))


def current_chat_id(connection: Connection, chat_id: str) -> str:
    """Return the id that Telegram knows a chat by now.

    Args:
        connection: A transaction of the ledger.
        chat_id: The id that posts name it by.
    """
    query = select(telegram_chats.c.migrated_to).where(telegram_chats.c.chat_id == chat_id)
    return connection.execute(query).scalar() or chat_id


def record_migration(connection: Connection, chat_id: str, new_chat_id: str) -> None:
    """Remember that a group became a supergroup.

    Args:
        connection: A writing transaction of the ledger.
        chat_id: The id that posts name it by.
        new_chat_id: The id that Telegram knows it by now.
    """
    _put(connection, chat_id, migrated_to=new_chat_id)


def record_problem(connection: Connection, problem: ChatProblem) -> None:
    """Remember why a chat takes no posts.

    Args:
        connection: A writing transaction of the ledger.
        problem: What is wrong with which chat.
    """
    _put(connection, problem.chat_id, problem=problem.problem, remedy=problem.remedy)


def clear_problem(connection: Connection, chat_id: str) -> None:
    """Forget a chat's problem: it took a post.

    Args:
        connection: A writing transaction of the ledger.
        chat_id: The id that posts name it by.
    """
    connection.execute(
        telegram_chats.update()
        .where(telegram_chats.c.chat_id == chat_id, telegram_chats.c.problem.is_not(None))
        .values(problem=None, remedy=None, changed_at=utc_now())
    )


def chat_problems(connection: Connection, chat_ids: Sequence[str]) -> list[ChatProblem]:
    """Return why chats take no posts.

    Args:
        connection: A transaction of the ledger.
        chat_ids: The chats, by the ids that posts name them by.
    """
    columns = telegram_chats.c
    query = (
        select(columns.chat_id, columns.problem, columns.remedy)
        .where(columns.problem.is_not(None), columns.chat_id.in_(chat_ids))
        .order_by(columns.chat_id)
    )
    return [ChatProblem(*row) for row in connection.execute(query)]


def _put(connection: Connection, chat_id: str, **values: Any) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values["changed_at"] = utc_now()
    connection.execute(
        dialect.insert(telegram_chats)
        .values(chat_id=chat_id, **values)
        .on_conflict_do_update(index_elements=["chat_id"], set_=values)
    )
