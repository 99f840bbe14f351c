"""The outbox of the notifications."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, Table, Text

from sync_assets.ledger.schema.base import metadata
from sync_assets.ledger.types import RowId, UtcDateTime

notifications = Table(
    "notifications",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("is_recovery", Boolean, nullable=False, server_default="false"),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("tried_at", UtcDateTime),
    CheckConstraint(
        "kind IN ('failures', 'accounts', 'review', 'new_episodes')",
        name="notification_kind_is_known",
    ),
    Index(None, "state"),
    Index("notifications_of_key", "key"),
    sqlite_autoincrement=True,
)
