"""Tables of the `.strm` libraries: what was written, what changed, what may be deleted."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    Table,
    Text,
)

from sync_assets.ledger.schema.base import metadata
from sync_assets.ledger.types import RowId, UtcDateTime

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
