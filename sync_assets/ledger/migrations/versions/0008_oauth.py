"""Accounts that are connected with OAuth, and how far each data set of Trakt is known."""

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.triggers import transition_triggers
from sync_assets.ledger.types import RowId, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_LEGAL = [
    ("connected", "connect_again"),
    ("connected", "connected"),
    ("connected", "refreshing"),
    ("connect_again", "connected"),
    ("refreshing", "connect_again"),
    ("refreshing", "connected"),
]


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "oauth_connections",
        sa.Column("id", RowId, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="oauth_connections_key"),
        sa.UniqueConstraint("provider", "account", name="oauth_connections_provider_is_unique"),
        sa.CheckConstraint(
            "state IN ('connected', 'refreshing', 'connect_again')",
            name="oauth_connection_state_is_known",
        ),
        sqlite_autoincrement=True,
    )
    triggers = transition_triggers(
        "oauth_connection",
        "oauth_connections",
        initial=["connected"],
        legal=_LEGAL,
        dialect_name=op.get_bind().dialect.name,
    )
    for statement in triggers:
        op.execute(statement)
    op.create_table(
        "trakt_cursors",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("account", "dataset", name="trakt_cursors_key"),
    )
