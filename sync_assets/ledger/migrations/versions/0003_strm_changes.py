"""What STRM files hold, the output of each job, and changes to tell media servers of."""

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.types import RowId

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and the column."""
    op.add_column("strm_files", sa.Column("digest", sa.Text(), nullable=False, server_default=""))
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
