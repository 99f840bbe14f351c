"""Tables of the relay: media, messages, downloads, uploads."""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from sync_assets.ledger.schema.base import metadata
from sync_assets.ledger.types import RowId, UtcDateTime

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
    Column("started_at", UtcDateTime),
    Column("completed_at", UtcDateTime),
    Column("cleaned_at", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
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
