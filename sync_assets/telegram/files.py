"""Ids of files that Telegram holds, so that a second chat needs no second upload.

An id is good for one bot only. Holds the only functions that write to `telegram_files`.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.ledger.schema import telegram_files
from sync_assets.telegram.models import MediaKind


@dataclass(frozen=True)
class KnownFile:
    """A file that Telegram holds.

    Attributes:
        sent_as: How it was sent, which may differ from what it is.
        file_id: Telegram's id of it.
    """

    sent_as: MediaKind
    file_id: str


def known_file(
    connection: Connection, bot_id: str, content_sha256: str, kind: MediaKind
) -> KnownFile | None:
    """Return what Telegram holds of a content, if anything.

    Args:
        connection: A transaction of the ledger.
        bot_id: The bot that sent it.
        content_sha256: The content.
        kind: What the content is to be sent as.
    """
    columns = telegram_files.c
    query = select(columns.sent_as, columns.file_id).where(
        columns.bot_id == bot_id, columns.content_sha256 == content_sha256, columns.kind == kind
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else KnownFile(MediaKind(row.sent_as), row.file_id)


def remember_file(
    connection: Connection, bot_id: str, content_sha256: str, kind: MediaKind, file: KnownFile
) -> None:
    """Remember what Telegram holds.

    Args:
        connection: A writing transaction of the ledger.
        bot_id: The bot that sent it.
        content_sha256: The content.
        kind: What the content was to be sent as.
        file: What Telegram made of it.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"sent_as": file.sent_as, "file_id": file.file_id}
    connection.execute(
        dialect.insert(telegram_files)
        .values(bot_id=bot_id, content_sha256=content_sha256, kind=kind, **values)
        .on_conflict_do_update(index_elements=["bot_id", "content_sha256", "kind"], set_=values)
    )


def forget_file(connection: Connection, bot_id: str, content_sha256: str) -> None:
    """Forget ids that Telegram no longer takes.

    Args:
        connection: A writing transaction of the ledger.
        bot_id: The bot.
        content_sha256: The content.
    """
    columns = telegram_files.c
    connection.execute(
        delete(telegram_files).where(
            columns.bot_id == bot_id, columns.content_sha256 == content_sha256
        )
    )
