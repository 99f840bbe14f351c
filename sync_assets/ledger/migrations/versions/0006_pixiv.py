"""Pixiv: accounts, works and files."""

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.triggers import transition_triggers
from sync_assets.ledger.types import RowId, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WORKS = {
    "wanted": ("complete", "failed", "unavailable", "unwanted"),
    "complete": ("wanted",),
    "failed": ("wanted", "complete", "unavailable", "unwanted"),
    "unavailable": ("wanted", "unwanted"),
    "unwanted": ("wanted", "unavailable"),
}
_FILES = {
    "verified": ("missing", "rejected"),
    "rejected": ("verified",),
    "missing": ("verified", "rejected"),
    "archived": ("verified", "rejected"),
}


def upgrade() -> None:
    """Create the tables, and let the database refuse illegal states."""
    op.create_table(
        "pixiv_accounts",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("user_id", RowId, nullable=False),
        sa.Column("listed_at", UtcDateTime()),
        sa.Column("full_listing_at", UtcDateTime()),
        sa.Column("full_pass_completed_at", UtcDateTime()),
        sa.Column("not_before", UtcDateTime()),
        sa.Column("refusals", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("account", name="pixiv_accounts_key"),
    )
    op.create_table(
        "pixiv_works",
        sa.Column("id", RowId, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("work_id", RowId, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("page_count", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("frames", sa.JSON()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("not_before", UtcDateTime()),
        sa.Column("failure_reason", sa.Text()),
        sa.Column("announced_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pixiv_works_key"),
        sa.UniqueConstraint("account", "work_id", name="pixiv_works_account_is_unique"),
        sa.CheckConstraint(
            "state IN ('wanted', 'complete', 'failed', 'unavailable', 'unwanted')",
            name="pixiv_work_state_is_known",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("pixiv_works_account", "pixiv_works", ["account", "state"])
    op.create_table(
        "pixiv_files",
        sa.Column("id", RowId, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("work_id", RowId, nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size_bytes", RowId, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("failure_reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pixiv_files_key"),
        sa.UniqueConstraint(
            "account", "work_id", "page", "version", "kind", name="pixiv_files_account_is_unique"
        ),
        sa.CheckConstraint(
            "state IN ('verified', 'rejected', 'missing', 'archived')",
            name="pixiv_file_state_is_known",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("pixiv_files_account", "pixiv_files", ["account", "state"])
    _create_triggers("pixiv_work", "pixiv_works", ("wanted", "unavailable", "unwanted"), _WORKS)
    _create_triggers("pixiv_file", "pixiv_files", ("verified", "rejected", "archived"), _FILES)


def _create_triggers(
    name: str, table: str, initial: tuple[str, ...], transitions: dict[str, tuple[str, ...]]
) -> None:
    legal = [(before, after) for before, following in transitions.items() for after in following]
    for statement in transition_triggers(
        name,
        table,
        initial=sorted(initial),
        legal=sorted(legal),
        dialect_name=op.get_context().dialect.name,
    ):
        op.execute(statement)
