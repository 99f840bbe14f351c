"""Uploads: when each was begun, and how often it has failed since somebody last asked for it."""

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.types import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("relay_uploads", sa.Column("started_at", UtcDateTime, nullable=True))
    op.add_column(
        "relay_uploads", sa.Column("attempts", sa.Integer, nullable=False, server_default="0")
    )
