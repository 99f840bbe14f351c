"""The Telegram outbox: posts, what is known of chats, and ids of files that Telegram holds."""

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.triggers import transition_triggers
from sync_assets.ledger.types import RowId, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _create_posts()
    op.create_table(
        "telegram_chats",
        sa.Column("chat_id", sa.Text(), nullable=False),
        sa.Column("migrated_to", sa.Text()),
        sa.Column("problem", sa.Text()),
        sa.Column("remedy", sa.Text()),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("chat_id", name="telegram_chats_key"),
    )
    op.create_table(
        "telegram_files",
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sent_as", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "content_sha256", "kind", name="telegram_files_key"),
    )


def _create_posts() -> None:
    op.create_table(
        "telegram_posts",
        sa.Column("id", RowId, nullable=False),
        sa.Column("partition", sa.Text(), nullable=False),
        sa.Column("chat_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("work_id", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("work", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("not_before", UtcDateTime()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("refusals", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("rate_limited", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("fallback", sa.Text()),
        sa.Column("message_id", RowId),
        sa.Column("sent_at", UtcDateTime()),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="telegram_posts_key"),
        sa.UniqueConstraint(
            "chat_id",
            "source",
            "work_id",
            "page",
            "content_sha256",
            name="telegram_posts_chat_id_is_unique",
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'failed', 'unknown')",
            name="telegram_post_state_is_known",
        ),
        sa.CheckConstraint(
            "kind IN ('photo', 'animation', 'video', 'document')",
            name="telegram_post_kind_is_known",
        ),
        sa.CheckConstraint(
            "fallback IN ('alone', 'document', 'link')", name="telegram_post_fallback_is_known"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "telegram_posts_partition", "telegram_posts", ["partition", "state", "chat_id", "id"]
    )
    statements = transition_triggers(
        "telegram_post",
        "telegram_posts",
        initial=["queued"],
        legal=[
            ("failed", "queued"),
            ("queued", "failed"),
            ("queued", "sending"),
            ("sending", "failed"),
            ("sending", "queued"),
            ("sending", "sent"),
            ("sending", "unknown"),
            ("unknown", "queued"),
            ("unknown", "sent"),
        ],
        dialect_name=op.get_context().dialect.name,
    )
    for statement in statements:
        op.execute(statement)
