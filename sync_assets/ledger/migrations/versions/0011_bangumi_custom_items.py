"""What media servers say was watched; events of the inbox that turn out to be of no concern."""

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.triggers import transition_triggers
from sync_assets.ledger.types import RowId, UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and let a claimed event be ignored."""
    op.create_table(
        "bangumi_custom_items",
        sa.Column("id", RowId, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("original_title", sa.Text()),
        sa.Column("year", sa.Integer()),
        sa.Column("season", sa.Integer()),
        sa.Column("number", sa.Integer()),
        sa.Column("release_date", sa.Date()),
        sa.Column("works", sa.JSON(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="bangumi_custom_items_key"),
        sa.UniqueConstraint(
            "source", "event_id", "position", name="bangumi_custom_items_source_is_unique"
        ),
        sa.CheckConstraint("action IN ('watched', 'started')", name="bangumi_action_is_known"),
        sa.CheckConstraint(
            "media_type IN ('episode', 'movie')", name="bangumi_media_type_is_known"
        ),
        sa.CheckConstraint(
            "state IN ('received', 'matched', 'done')",
            name="bangumi_custom_item_state_is_known",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("bangumi_custom_items_account", "bangumi_custom_items", ["account", "state"])
    dialect_name = op.get_context().dialect.name
    statements = transition_triggers(
        "bangumi_custom_item",
        "bangumi_custom_items",
        initial=["received"],
        legal=[("matched", "done"), ("received", "matched")],
        dialect_name=dialect_name,
    )
    statements += transition_triggers(
        "inbox_event",
        "inbox_events",
        initial=["received"],
        legal=[
            ("claimed", "done"),
            ("claimed", "failed"),
            ("claimed", "ignored"),
            ("claimed", "received"),
            ("failed", "ignored"),
            ("failed", "received"),
            ("received", "claimed"),
            ("received", "ignored"),
        ],
        dialect_name=dialect_name,
    )
    for statement in statements:
        op.execute(statement)
