"""What keeps STRM deletions safe: plans that wait, what events deleted, mount points."""

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.types import RowId, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "strm_deletion_plans",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("scans", sa.Integer(), nullable=False),
        sa.Column("first_listed_at", UtcDateTime, nullable=False),
        sa.Column("counted_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("job", name="strm_deletion_plans_key"),
    )
    op.create_table(
        "strm_event_deletions",
        sa.Column("id", RowId, nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("deleted_at", UtcDateTime, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="strm_event_deletions_key"),
    )
    op.create_index("strm_event_deletions_job", "strm_event_deletions", ["job", "deleted_at"])
    op.create_table(
        "strm_mount_points",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("seen_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("path", name="strm_mount_points_key"),
    )
