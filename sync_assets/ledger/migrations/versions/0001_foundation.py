"""The foundation: history, inbox, leases, rate budgets, secrets, tokens, results, STRM files."""

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.triggers import transition_triggers
from sync_assets.ledger.types import RowId, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table of the foundation."""
    _create_history()
    _create_inbox()
    _create_coordination()
    _create_access()
    _create_domain_tables()


def _create_history() -> None:
    op.create_table(
        "events",
        sa.Column("id", RowId, nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("previous_state", sa.Text()),
        sa.Column("state", sa.Text()),
        sa.Column("run_id", sa.Text()),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="events_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_entity", "events", ["entity", "entity_id"])
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'events are append-only' USING ERRCODE = '23514'; END $$"
        )
        op.execute(
            "CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE ON events "
            "FOR EACH ROW EXECUTE FUNCTION events_refuse_change()"
        )
        return
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER events_refuse_{event.lower()} BEFORE {event} ON events "
            "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        )


def _create_inbox() -> None:
    op.create_table(
        "inbox_events",
        sa.Column("id", RowId, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("failure_reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="inbox_events_key"),
        sa.UniqueConstraint("source", "event_id", name="inbox_events_source_is_unique"),
        sa.CheckConstraint(
            "state IN ('received', 'claimed', 'done', 'failed', 'ignored')",
            name="inbox_event_state_is_known",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("inbox_events_state", "inbox_events", ["state", "source", "id"])
    statements = transition_triggers(
        "inbox_event",
        "inbox_events",
        initial=["received"],
        legal=[
            ("claimed", "done"),
            ("claimed", "failed"),
            ("claimed", "received"),
            ("failed", "ignored"),
            ("failed", "received"),
            ("received", "claimed"),
            ("received", "ignored"),
        ],
        dialect_name=op.get_context().dialect.name,
    )
    for statement in statements:
        op.execute(statement)


def _create_coordination() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("process_identity", sa.Text(), nullable=False),
        sa.Column("acquired_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="leases_key"),
    )
    op.create_table(
        "rate_budgets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next_free_at", sa.Float(), nullable=False),
        sa.Column("blocked_until", sa.Float(), nullable=False, server_default="0"),
        sa.Column("used", RowId, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("name", name="rate_budgets_key"),
    )


def _create_access() -> None:
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="secrets_key"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="tokens_key"),
        sa.CheckConstraint("scope IN ('ingest', 'user', 'admin')", name="token_scope_is_known"),
    )


def _create_domain_tables() -> None:
    op.create_table(
        "results",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("partition", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=False),
        sa.Column("run_id", sa.Text()),
        sa.Column("added", RowId, nullable=False),
        sa.Column("skipped", RowId, nullable=False),
        sa.Column("failed", RowId, nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("domain", "partition", name="results_key"),
        sa.CheckConstraint("status IN ('ok', 'degraded', 'failed')", name="result_status_is_known"),
    )
    op.create_table(
        "strm_files",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("directory", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("written_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("job", "directory", "name", name="strm_files_key"),
        sqlite_with_rowid=False,
    )
