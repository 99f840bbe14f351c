"""The relay: media, the messages that brought them, downloads, uploads, and Telegram's offset."""

import sqlalchemy as sa
from alembic import op

from sync_assets.ledger.triggers import transition_triggers
from sync_assets.ledger.types import RowId, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MEDIA = {
    "arrived": ("downloaded", "failed", "cancelled"),
    "downloaded": ("relayed", "arrived", "failed", "cancelled"),
    "relayed": ("arrived", "downloaded"),
    "failed": ("arrived", "cancelled"),
    "cancelled": ("arrived",),
}
_OPEN = ("pending", "waiting", "downloading", "paused", "completed", "failed", "cancelled")
_DOWNLOADS = {
    "pending": tuple(state for state in _OPEN if state != "pending"),
    "waiting": tuple(state for state in _OPEN if state != "waiting"),
    "downloading": tuple(state for state in _OPEN if state != "downloading"),
    "paused": tuple(state for state in _OPEN if state != "paused"),
    "completed": ("failed",),
    "failed": ("pending", "cancelled"),
    "cancelled": ("pending",),
}
_UPLOADS = {
    "waiting_download": ("pending", "paused", "failed", "cancelled"),
    "pending": ("uploading", "completed", "waiting_download", "paused", "failed", "cancelled"),
    "uploading": ("pending", "completed", "waiting_download", "paused", "failed", "cancelled"),
    "paused": ("pending", "waiting_download", "failed", "cancelled"),
    "completed": ("cleaned", "failed"),
    "failed": ("pending", "waiting_download", "cancelled"),
    "cancelled": ("pending", "waiting_download"),
}


def upgrade() -> None:
    """Create the tables, and let the database refuse illegal states."""
    _create_media()
    _create_messages()
    _create_replies()
    _create_downloads()
    _create_uploads()
    _create_update_offsets()
    _refuse_illegal("relay_medium", "relay_media", _MEDIA, initial=("arrived",))
    _refuse_illegal("relay_download", "relay_downloads", _DOWNLOADS, initial=("pending",))
    _refuse_illegal(
        "relay_upload", "relay_uploads", _UPLOADS, initial=("waiting_download", "pending")
    )


def _create_media() -> None:
    op.create_table(
        "relay_media",
        sa.Column("id", RowId, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("arrived_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text()),
        sa.Column("size_bytes", RowId),
        sa.Column("checksum", sa.Text()),
        sa.Column("caption", sa.Text(), nullable=False, server_default=""),
        sa.Column("album", sa.Text()),
        sa.Column("sender", sa.Text()),
        sa.Column("chat_id", sa.Text()),
        sa.Column("bot_id", sa.Text()),
        sa.Column("file_id", sa.Text()),
        sa.Column("link", sa.Text()),
        sa.Column("torrent", sa.LargeBinary()),
        sa.Column("infohash", sa.Text()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("targets", sa.JSON(none_as_null=True)),
        sa.CheckConstraint("origin IN ('telegram', 'link')", name="relay_medium_origin_is_known"),
        sa.CheckConstraint(
            "kind IN ('telegram', 'http', 'torrent', 'magnet')", name="relay_medium_kind_is_known"
        ),
        sa.CheckConstraint(
            "(kind = 'telegram') = (file_id IS NOT NULL)", name="relay_medium_has_its_file_id"
        ),
        sa.CheckConstraint(
            "kind NOT IN ('http', 'magnet') OR link IS NOT NULL", name="relay_medium_has_its_link"
        ),
        sa.CheckConstraint("size_bytes >= 0", name="relay_medium_size_is_a_size"),
        sa.CheckConstraint(
            "state IN ('arrived', 'downloaded', 'relayed', 'failed', 'cancelled')",
            name="relay_medium_state_is_known",
        ),
        sa.PrimaryKeyConstraint("id", name="relay_media_key"),
        sa.UniqueConstraint("key", name="relay_media_key_is_unique"),
        sa.UniqueConstraint("infohash", name="relay_media_infohash_is_unique"),
        sqlite_autoincrement=True,
    )
    op.create_index("relay_media_day", "relay_media", ["day", "state"])


def _create_messages() -> None:
    op.create_table(
        "relay_messages",
        sa.Column("id", RowId, nullable=False),
        sa.Column("chat_id", sa.Text(), nullable=False),
        sa.Column("message_id", RowId, nullable=False),
        sa.Column(
            "media_id",
            RowId,
            sa.ForeignKey("relay_media.id", ondelete="CASCADE", name="relay_messages_relay_media"),
            nullable=False,
        ),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text()),
        sa.Column("caption", sa.Text(), nullable=False, server_default=""),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("edited_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="relay_messages_key"),
        sa.UniqueConstraint(
            "chat_id", "message_id", "media_id", name="relay_messages_chat_id_is_unique"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("relay_messages_media_id", "relay_messages", ["media_id"])


def _create_replies() -> None:
    op.create_table(
        "relay_replies",
        sa.Column("id", RowId, nullable=False),
        sa.Column("chat_id", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("reply_to", RowId, nullable=False),
        sa.Column("message_id", RowId),
        sa.Column("text", sa.Text(), nullable=False, server_default=""),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("is_settled", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="relay_replies_key"),
        sa.UniqueConstraint("chat_id", "thread", name="relay_replies_chat_id_is_unique"),
        sqlite_autoincrement=True,
    )


def _create_downloads() -> None:
    op.create_table(
        "relay_downloads",
        sa.Column("id", RowId, nullable=False),
        sa.Column(
            "media_id",
            RowId,
            sa.ForeignKey("relay_media.id", ondelete="CASCADE", name="relay_downloads_relay_media"),
            nullable=False,
        ),
        sa.Column("gid", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("command", sa.Text()),
        sa.Column("started_at", UtcDateTime()),
        sa.Column("completed_at", UtcDateTime()),
        sa.Column("cleaned_at", UtcDateTime()),
        sa.Column("not_before", UtcDateTime()),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("retries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reason_code", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("completed_bytes", RowId, nullable=False, server_default="0"),
        sa.Column("total_bytes", RowId),
        sa.Column("bytes_per_second", RowId, nullable=False, server_default="0"),
        sa.Column("expected_bytes", RowId),
        sa.Column("expected_checksum", sa.Text()),
        sa.Column("checksum", sa.Text()),
        sa.Column("path", sa.Text()),
        sa.Column("aria2_session", sa.Text()),
        sa.CheckConstraint(
            "length(gid) = 16 AND gid <> '0000000000000000'", name="relay_download_gid_is_a_gid"
        ),
        sa.CheckConstraint(
            "command IN ('pause', 'resume', 'cancel')", name="relay_download_command_is_known"
        ),
        sa.CheckConstraint(
            "state <> 'completed' OR (path IS NOT NULL AND completed_at IS NOT NULL)",
            name="relay_download_completed_has_a_file",
        ),
        sa.CheckConstraint(
            "state NOT IN ('failed', 'paused') OR reason_code IS NOT NULL",
            name="relay_download_has_its_reason",
        ),
        sa.CheckConstraint(
            "completed_bytes >= 0 AND total_bytes >= 0 AND bytes_per_second >= 0",
            name="relay_download_bytes_are_sizes",
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'waiting', 'downloading', 'paused', "
            "'completed', 'failed', 'cancelled')",
            name="relay_download_state_is_known",
        ),
        sa.PrimaryKeyConstraint("id", name="relay_downloads_key"),
        sa.UniqueConstraint("gid", name="relay_downloads_gid_is_unique"),
        sqlite_autoincrement=True,
    )
    op.create_index("relay_downloads_state", "relay_downloads", ["state", "not_before"])
    open_states = sa.text("state IN ('pending', 'waiting', 'downloading', 'paused')")
    op.create_index(
        "relay_downloads_one_open_per_medium",
        "relay_downloads",
        ["media_id"],
        unique=True,
        sqlite_where=open_states,
        postgresql_where=open_states,
    )


def _create_uploads() -> None:
    op.create_table(
        "relay_uploads",
        sa.Column("id", RowId, nullable=False),
        sa.Column(
            "download_id",
            RowId,
            sa.ForeignKey(
                "relay_downloads.id", ondelete="CASCADE", name="relay_uploads_relay_downloads"
            ),
            nullable=False,
        ),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("part_id", sa.Text(), nullable=False),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("command", sa.Text()),
        sa.Column("completed_at", UtcDateTime()),
        sa.Column("cleaned_at", UtcDateTime()),
        sa.Column("not_before", UtcDateTime()),
        sa.Column("retries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("failure_code", sa.Text()),
        sa.Column("failure_reason", sa.Text()),
        sa.Column("remote_path", sa.Text()),
        sa.Column("uploaded_bytes", RowId, nullable=False, server_default="0"),
        sa.Column("total_bytes", RowId),
        sa.Column("bytes_per_second", RowId, nullable=False, server_default="0"),
        sa.Column("verified_by", sa.Text()),
        sa.Column("proof", sa.Text()),
        sa.CheckConstraint(
            "command IN ('pause', 'resume', 'cancel')", name="relay_upload_command_is_known"
        ),
        sa.CheckConstraint(
            "state NOT IN ('completed', 'cleaned') "
            "OR (verified_by IS NOT NULL AND completed_at IS NOT NULL)",
            name="relay_upload_completed_is_verified",
        ),
        sa.CheckConstraint(
            "(state = 'cleaned') = (cleaned_at IS NOT NULL)",
            name="relay_upload_cleaned_is_recorded",
        ),
        sa.CheckConstraint(
            "state <> 'failed' OR failure_code IS NOT NULL", name="relay_upload_has_its_reason"
        ),
        sa.CheckConstraint(
            "uploaded_bytes >= 0 AND total_bytes >= 0 AND bytes_per_second >= 0",
            name="relay_upload_bytes_are_sizes",
        ),
        sa.CheckConstraint(
            "state IN ('waiting_download', 'pending', 'uploading', 'paused', "
            "'completed', 'cleaned', 'failed', 'cancelled')",
            name="relay_upload_state_is_known",
        ),
        sa.PrimaryKeyConstraint("id", name="relay_uploads_key"),
        sa.UniqueConstraint("part_id", name="relay_uploads_part_id_is_unique"),
        sa.UniqueConstraint("download_id", "target", name="relay_uploads_download_id_is_unique"),
        sqlite_autoincrement=True,
    )
    op.create_index("relay_uploads_state", "relay_uploads", ["state", "not_before"])


def _create_update_offsets() -> None:
    op.create_table(
        "relay_update_offsets",
        sa.Column("bot_id", sa.Text(), nullable=False),
        sa.Column("next_update_id", RowId, nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", name="relay_update_offsets_key"),
    )


def _refuse_illegal(
    name: str, table: str, transitions: dict[str, tuple[str, ...]], *, initial: tuple[str, ...]
) -> None:
    legal = [(before, after) for before, following in transitions.items() for after in following]
    statements = transition_triggers(
        name, table, initial=initial, legal=legal, dialect_name=op.get_context().dialect.name
    )
    for statement in statements:
        op.execute(statement)
