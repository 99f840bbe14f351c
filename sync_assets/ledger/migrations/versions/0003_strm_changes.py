"""The output of each STRM job, and changed files that media servers have yet to be told of."""

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.types import RowId

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "strm_outputs",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job", name="strm_outputs_key"),
    )
    op.create_table(
        "strm_changes",
        sa.Column("id", RowId, nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="strm_changes_key"),
        sa.CheckConstraint("kind IN ('written', 'deleted')", name="strm_change_kind_is_known"),
        sqlite_autoincrement=True,
    )
    op.create_index("strm_changes_job", "strm_changes", ["job", "id"])
