"""Storage events: a delay before the next attempt, drives that are unmounted, touched paths."""

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.types import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what the event-driven STRM runs remember."""
    op.add_column("inbox_events", sa.Column("not_before", UtcDateTime()))
    op.create_table(
        "strm_drives",
        sa.Column("mount_point", sa.Text(), nullable=False),
        sa.Column("is_mounted", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("mount_point", name="strm_drives_key"),
    )
    op.create_table(
        "strm_touched",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("is_subtree", sa.Boolean(), nullable=False),
        sa.Column("touched_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("job", "path", "is_subtree", name="strm_touched_key"),
    )
