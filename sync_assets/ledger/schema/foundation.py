"""Tables that every domain shares: events, the inbox, leases, budgets, secrets, results."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from sync_assets.ledger.schema.base import metadata
from sync_assets.ledger.types import RowId, UtcDateTime

events = Table(
    "events",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("entity", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("previous_state", Text),
    Column("state", Text),
    Column("run_id", Text),
    Column("detail", JSON, nullable=False),
    Column("owner", Text),
    Index(None, "entity", "entity_id"),
    sqlite_autoincrement=True,
)

inbox_events = Table(
    "inbox_events",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("claimed_by", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("failure_reason", Text),
    Column("not_before", UtcDateTime),
    UniqueConstraint("source", "event_id"),
    Index(None, "state", "source", "id"),
    sqlite_autoincrement=True,
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("process_id", Integer, nullable=False),
    Column("process_identity", Text, nullable=False),
    Column("acquired_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

rate_budgets = Table(
    "rate_budgets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next_free_at", Float, nullable=False),
    Column("blocked_until", Float, nullable=False, server_default="0"),
    Column("used", RowId, nullable=False, server_default="0"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("user_name", Text, nullable=False, server_default=""),
    CheckConstraint("scope IN ('ingest', 'user', 'admin')", name="token_scope_is_known"),
)

results = Table(
    "results",
    metadata,
    Column("domain", Text, primary_key=True),
    Column("partition", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("finished_at", UtcDateTime, nullable=False),
    Column("run_id", Text),
    Column("added", RowId, nullable=False),
    Column("skipped", RowId, nullable=False),
    Column("failed", RowId, nullable=False),
    Column("detail", JSON, nullable=False),
    CheckConstraint("status IN ('ok', 'degraded', 'failed')", name="result_status_is_known"),
)
