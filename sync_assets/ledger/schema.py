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
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
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

relay_media = Table(
    "relay_media",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("origin", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("arrived_at", UtcDateTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("name", Text, nullable=False),
    Column("mime", Text),
    Column("size_bytes", RowId),
    Column("checksum", Text),
    Column("caption", Text, nullable=False, server_default=""),
    Column("album", Text),
    Column("sender", Text),
    Column("chat_id", Text),
    Column("bot_id", Text),
    Column("file_id", Text),
    Column("link", Text),
    Column("torrent", LargeBinary),
    Column("infohash", Text, unique=True),
    Column("source", Text, nullable=False),
    Column("targets", JSON(none_as_null=True)),
    CheckConstraint("origin IN ('telegram', 'link')", name="relay_medium_origin_is_known"),
    CheckConstraint(
        "kind IN ('telegram', 'http', 'torrent', 'magnet')", name="relay_medium_kind_is_known"
    ),
    CheckConstraint(
        "(kind = 'telegram') = (file_id IS NOT NULL)", name="relay_medium_has_its_file_id"
    ),
    CheckConstraint(
        "kind NOT IN ('http', 'magnet') OR link IS NOT NULL", name="relay_medium_has_its_link"
    ),
    CheckConstraint("size_bytes >= 0", name="relay_medium_size_is_a_size"),
    Index(None, "day", "state"),
    sqlite_autoincrement=True,
)

relay_messages = Table(
    "relay_messages",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("chat_id", Text, nullable=False),
    Column("message_id", RowId, nullable=False),
    Column("media_id", RowId, ForeignKey("relay_media.id", ondelete="CASCADE"), nullable=False),
    Column("thread", Text, nullable=False),
    Column("sender", Text),
    Column("caption", Text, nullable=False, server_default=""),
    Column("received_at", UtcDateTime, nullable=False),
    Column("edited_at", UtcDateTime),
    UniqueConstraint("chat_id", "message_id", "media_id"),
    Index(None, "media_id"),
    sqlite_autoincrement=True,
)

relay_replies = Table(
    "relay_replies",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("chat_id", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("reply_to", RowId, nullable=False),
    Column("message_id", RowId),
    Column("text", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("is_settled", Boolean, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    UniqueConstraint("chat_id", "thread"),
    sqlite_autoincrement=True,
)

relay_downloads = Table(
    "relay_downloads",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("media_id", RowId, ForeignKey("relay_media.id", ondelete="CASCADE"), nullable=False),
    Column("gid", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("command", Text),
    Column("started_at", UtcDateTime),
    Column("completed_at", UtcDateTime),
    Column("cleaned_at", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("retries", Integer, nullable=False, server_default="0"),
    Column("reason_code", Text),
    Column("reason", Text),
    Column("completed_bytes", RowId, nullable=False, server_default="0"),
    Column("total_bytes", RowId),
    Column("bytes_per_second", RowId, nullable=False, server_default="0"),
    Column("expected_bytes", RowId),
    Column("expected_checksum", Text),
    Column("checksum", Text),
    Column("path", Text),
    Column("aria2_session", Text),
    CheckConstraint(
        "length(gid) = 16 AND gid <> '0000000000000000'", name="relay_download_gid_is_a_gid"
    ),
    CheckConstraint(
        "command IN ('pause', 'resume', 'cancel')", name="relay_download_command_is_known"
    ),
    CheckConstraint(
        "state <> 'completed' OR (path IS NOT NULL AND completed_at IS NOT NULL)",
        name="relay_download_completed_has_a_file",
    ),
    CheckConstraint(
        "state NOT IN ('failed', 'paused') OR reason_code IS NOT NULL",
        name="relay_download_has_its_reason",
    ),
    CheckConstraint(
        "completed_bytes >= 0 AND total_bytes >= 0 AND bytes_per_second >= 0",
        name="relay_download_bytes_are_sizes",
    ),
    Index(None, "state", "not_before"),
    Index(
        "relay_downloads_one_open_per_medium",
        "media_id",
        unique=True,
        sqlite_where=text("state IN ('pending', 'waiting', 'downloading', 'paused')"),
        postgresql_where=text("state IN ('pending', 'waiting', 'downloading', 'paused')"),
    ),
    sqlite_autoincrement=True,
)

relay_uploads = Table(
    "relay_uploads",
    metadata,
    Column("id", RowId, primary_key=True),
    Column(
        "download_id",
        RowId,
        ForeignKey("relay_downloads.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("target", Text, nullable=False),
    Column("part_id", Text, nullable=False, unique=True),
    Column("is_required", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("command", Text),
    Column("completed_at", UtcDateTime),
    Column("cleaned_at", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("retries", Integer, nullable=False, server_default="0"),
    Column("failure_code", Text),
    Column("failure_reason", Text),
    Column("remote_path", Text),
    Column("uploaded_bytes", RowId, nullable=False, server_default="0"),
    Column("total_bytes", RowId),
    Column("bytes_per_second", RowId, nullable=False, server_default="0"),
    Column("verified_by", Text),
    Column("proof", Text),
    CheckConstraint(
        "command IN ('pause', 'resume', 'cancel')", name="relay_upload_command_is_known"
    ),
    CheckConstraint(
        "state NOT IN ('completed', 'cleaned') "
        "OR (verified_by IS NOT NULL AND completed_at IS NOT NULL)",
        name="relay_upload_completed_is_verified",
    ),
    CheckConstraint(
        "(state = 'cleaned') = (cleaned_at IS NOT NULL)", name="relay_upload_cleaned_is_recorded"
    ),
    CheckConstraint(
        "state <> 'failed' OR failure_code IS NOT NULL", name="relay_upload_has_its_reason"
    ),
    CheckConstraint(
        "uploaded_bytes >= 0 AND total_bytes >= 0 AND bytes_per_second >= 0",
        name="relay_upload_bytes_are_sizes",
    ),
    UniqueConstraint("download_id", "target"),
    Index(None, "state", "not_before"),
    sqlite_autoincrement=True,
)

relay_update_offsets = Table(
    "relay_update_offsets",
    metadata,
    Column("bot_id", Text, primary_key=True),
    Column("next_update_id", RowId, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
