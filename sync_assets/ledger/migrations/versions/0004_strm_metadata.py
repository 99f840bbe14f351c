"""What kind each owned file of a STRM job is, and what a metadata file was copied from."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the columns."""
    for column in (
        sa.Column("kind", sa.Text(), nullable=False, server_default="strm"),
        sa.Column("replaced_digest", sa.Text(), nullable=False, server_default=""),
        sa.Column("remote_size", sa.BigInteger()),
        sa.Column("remote_modified_us", sa.BigInteger()),
    ):
        op.add_column("strm_files", column)
