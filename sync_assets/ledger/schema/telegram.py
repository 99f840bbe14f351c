"""Tables of the Telegram outbox: posts, chats, files that Telegram already has."""

from sqlalchemy import JSON, CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint

from sync_assets.ledger.schema.base import metadata
from sync_assets.ledger.types import RowId, UtcDateTime

telegram_posts = Table(
    "telegram_posts",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("partition", Text, nullable=False),
    Column("chat_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("work_id", Text, nullable=False),
    Column("page", Integer, nullable=False),
    Column("content_sha256", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("work", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("not_before", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("refusals", Integer, nullable=False, server_default="0"),
    Column("rate_limited", Integer, nullable=False, server_default="0"),
    Column("fallback", Text),
    Column("message_id", RowId),
    Column("sent_at", UtcDateTime),
    Column("reason", Text),
    CheckConstraint(
        "kind IN ('photo', 'animation', 'video', 'document')", name="telegram_post_kind_is_known"
    ),
    CheckConstraint(
        "fallback IN ('alone', 'document', 'link')", name="telegram_post_fallback_is_known"
    ),
    UniqueConstraint("chat_id", "source", "work_id", "page", "content_sha256"),
    Index(None, "partition", "state", "chat_id", "id"),
    sqlite_autoincrement=True,
)

telegram_chats = Table(
    "telegram_chats",
    metadata,
    Column("chat_id", Text, primary_key=True),
    Column("migrated_to", Text),
    Column("problem", Text),
    Column("remedy", Text),
    Column("changed_at", UtcDateTime, nullable=False),
)

telegram_files = Table(
    "telegram_files",
    metadata,
    Column("bot_id", Text, primary_key=True),
    Column("content_sha256", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("sent_as", Text, nullable=False),
    Column("file_id", Text, nullable=False),
)
