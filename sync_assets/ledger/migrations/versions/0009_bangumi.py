"""The reports to Bangumi, and what its search has answered."""

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.triggers import transition_triggers
from sync_assets.ledger.types import RowId, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_LEGAL = [
    ("done", "failed"),
    ("done", "planned"),
    ("done", "undone"),
    ("done", "withdrawn"),
    ("failed", "done"),
    ("failed", "planned"),
    ("failed", "withdrawn"),
    ("planned", "done"),
    ("planned", "failed"),
    ("planned", "sending"),
    ("planned", "withdrawn"),
    ("sending", "done"),
    ("sending", "failed"),
    ("sending", "planned"),
    ("sending", "unknown"),
    ("undone", "done"),
    ("undone", "failed"),
    ("undone", "planned"),
    ("undone", "withdrawn"),
    ("unknown", "done"),
    ("unknown", "failed"),
    ("unknown", "planned"),
    ("unknown", "withdrawn"),
    ("withdrawn", "done"),
    ("withdrawn", "failed"),
    ("withdrawn", "planned"),
]


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "bangumi_reports",
        sa.Column("id", RowId, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("target_type", sa.Integer()),
        sa.Column("target_rate", sa.Integer()),
        sa.Column("previous_type", sa.Integer()),
        sa.Column("previous_rate", sa.Integer()),
        sa.Column("episode_id", sa.BigInteger()),
        sa.Column("watched_at", UtcDateTime()),
        sa.Column("confidence", sa.Float()),
        sa.Column("reason", sa.Text()),
        sa.Column("not_before", UtcDateTime()),
        sa.Column("sent_by_run", sa.Text()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("read_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="bangumi_reports_key"),
        sa.UniqueConstraint(
            "account", "subject", "kind", "number", name="bangumi_reports_account_is_unique"
        ),
        sa.CheckConstraint(
            "kind IN ('main', 'special', 'collection')", name="bangumi_kind_is_known"
        ),
        sa.CheckConstraint(
            "state IN ('planned', 'sending', 'done', 'failed', 'unknown', 'withdrawn', 'undone')",
            name="bangumi_report_state_is_known",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("bangumi_reports_account", "bangumi_reports", ["account", "state"])
    statements = transition_triggers(
        "bangumi_report",
        "bangumi_reports",
        initial=["done", "failed", "planned", "withdrawn"],
        legal=_LEGAL,
        dialect_name=op.get_context().dialect.name,
    )
    for statement in statements:
        op.execute(statement)
    op.create_table(
        "bangumi_searches",
        sa.Column("keyword", sa.Text(), nullable=False),
        sa.Column("begin", sa.Text(), nullable=False),
        sa.Column("end", sa.Text(), nullable=False),
        sa.Column("hits", sa.JSON(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("keyword", "begin", "end", name="bangumi_searches_key"),
    )
