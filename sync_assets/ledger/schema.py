"""All tables of the ledger. Alembic's migrations make the database equal to this.

Only definitions belong here; the functions that write to a table live in the module named after
it, in this package or in the domain that owns it.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from sync_assets.ledger.types import RowId, UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_name)s",
        "uq": "%(table_name)s_%(column_0_name)s_is_unique",
        "ck": "%(constraint_name)s",
        "pk": "%(table_name)s_key",
    }
)

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

strm_files = Table(
    "strm_files",
    metadata,
    Column("job", Text, primary_key=True),
    Column("directory", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("written_at", Float, nullable=False),
    Column("digest", Text, nullable=False, server_default=""),
    Column("kind", Text, nullable=False, server_default="strm"),
    Column("replaced_digest", Text, nullable=False, server_default=""),
    Column("remote_size", BigInteger),
    Column("remote_modified_us", BigInteger),
    sqlite_with_rowid=False,
)

strm_outputs = Table(
    "strm_outputs",
    metadata,
    Column("job", Text, primary_key=True),
    Column("output", Text, nullable=False),
)

strm_changes = Table(
    "strm_changes",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("job", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("kind", Text, nullable=False),
    CheckConstraint("kind IN ('written', 'deleted')", name="strm_change_kind_is_known"),
    Index(None, "job", "id"),
    sqlite_autoincrement=True,
)

strm_drives = Table(
    "strm_drives",
    metadata,
    Column("mount_point", Text, primary_key=True),
    Column("is_mounted", Boolean, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

strm_touched = Table(
    "strm_touched",
    metadata,
    Column("job", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("is_subtree", Boolean, primary_key=True),
    Column("touched_at", Float, nullable=False),
)

strm_deletion_plans = Table(
    "strm_deletion_plans",
    metadata,
    Column("job", Text, primary_key=True),
    Column("plan_id", Text, nullable=False),
    Column("scans", Integer, nullable=False),
    Column("first_listed_at", UtcDateTime, nullable=False),
    Column("counted_at", UtcDateTime, nullable=False),
)

strm_event_deletions = Table(
    "strm_event_deletions",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("job", Text, nullable=False),
    Column("deleted_at", UtcDateTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("files", Integer, nullable=False),
    Index(None, "job", "deleted_at"),
)

strm_mount_points = Table(
    "strm_mount_points",
    metadata,
    Column("path", Text, primary_key=True),
    Column("seen_at", UtcDateTime, nullable=False),
)

pixiv_accounts = Table(
    "pixiv_accounts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("user_id", RowId, nullable=False),
    Column("listed_at", UtcDateTime),
    Column("full_listing_at", UtcDateTime),
    Column("full_pass_completed_at", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("refusals", Integer, nullable=False, server_default="0"),
)

pixiv_works = Table(
    "pixiv_works",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("account", Text, nullable=False),
    Column("work_id", RowId, nullable=False),
    Column("state", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("type", Text, nullable=False),
    Column("page_count", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("details", JSON, nullable=False),
    Column("frames", JSON),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", UtcDateTime),
    Column("failure_reason", Text),
    Column("announced_at", UtcDateTime),
    UniqueConstraint("account", "work_id"),
    Index(None, "account", "state"),
    sqlite_autoincrement=True,
)

pixiv_files = Table(
    "pixiv_files",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("account", Text, nullable=False),
    Column("work_id", RowId, nullable=False),
    Column("page", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("path", Text, nullable=False),
    Column("size_bytes", RowId, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("failure_reason", Text),
    UniqueConstraint("account", "work_id", "page", "version", "kind"),
    Index(None, "account", "state"),
    sqlite_autoincrement=True,
)
telegram_posts = Table(
    "telegram_posts",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("partition", Text, nullable=False),
    Column("chat_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("work_id", Text, nullable=False),
    Column("page", Integer, nullable=False),
    Column("content_sha256", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("work", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("not_before", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("refusals", Integer, nullable=False, server_default="0"),
    Column("rate_limited", Integer, nullable=False, server_default="0"),
    Column("fallback", Text),
    Column("message_id", RowId),
    Column("sent_at", UtcDateTime),
    Column("reason", Text),
    CheckConstraint(
        "kind IN ('photo', 'animation', 'video', 'document')", name="telegram_post_kind_is_known"
    ),
    CheckConstraint(
        "fallback IN ('alone', 'document', 'link')", name="telegram_post_fallback_is_known"
    ),
    UniqueConstraint("chat_id", "source", "work_id", "page", "content_sha256"),
    Index(None, "partition", "state", "chat_id", "id"),
    sqlite_autoincrement=True,
)

telegram_chats = Table(
    "telegram_chats",
    metadata,
    Column("chat_id", Text, primary_key=True),
    Column("migrated_to", Text),
    Column("problem", Text),
    Column("remedy", Text),
    Column("changed_at", UtcDateTime, nullable=False),
)

telegram_files = Table(
    "telegram_files",
    metadata,
    Column("bot_id", Text, primary_key=True),
    Column("content_sha256", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("sent_as", Text, nullable=False),
    Column("file_id", Text, nullable=False),
)


oauth_connections = Table(
    "oauth_connections",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("reason", Text),
    UniqueConstraint("provider", "account"),
    sqlite_autoincrement=True,
)

trakt_cursors = Table(
    "trakt_cursors",
    metadata,
    Column("account", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("value", JSON, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

bangumi_reports = Table(
    "bangumi_reports",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("account", Text, nullable=False),
    Column("subject", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("title", Text, nullable=False),
    Column("target_type", Integer),
    Column("target_rate", Integer),
    Column("previous_type", Integer),
    Column("previous_rate", Integer),
    Column("episode_id", BigInteger),
    Column("watched_at", UtcDateTime),
    Column("confidence", Float),
    Column("reason", Text),
    Column("not_before", UtcDateTime),
    Column("sent_by_run", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("read_at", UtcDateTime),
    CheckConstraint("kind IN ('main', 'special', 'collection')", name="bangumi_kind_is_known"),
    UniqueConstraint("account", "subject", "kind", "number"),
    Index(None, "account", "state"),
    sqlite_autoincrement=True,
)

bangumi_searches = Table(
    "bangumi_searches",
    metadata,
    Column("keyword", Text, primary_key=True),
    Column("begin", Text, primary_key=True),
    Column("end", Text, primary_key=True),
    Column("hits", JSON, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
)
