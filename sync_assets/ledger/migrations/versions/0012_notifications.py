"""The outbox of the notifications."""

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.triggers import transition_triggers
from sync_assets.ledger.types import RowId, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "notifications",
        sa.Column("id", RowId, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("is_recovery", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("tried_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="notifications_key"),
        sa.CheckConstraint(
            "kind IN ('failures', 'accounts', 'review', 'new_episodes')",
            name="notification_kind_is_known",
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'delivered', 'withdrawn')", name="notification_state_is_known"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("notifications_state", "notifications", ["state"])
    op.create_index("notifications_of_key", "notifications", ["key"])
    statements = transition_triggers(
        "notification",
        "notifications",
        initial=["waiting"],
        legal=[("waiting", "delivered"), ("waiting", "withdrawn")],
        dialect_name=op.get_context().dialect.name,
    )
    for statement in statements:
        op.execute(statement)
