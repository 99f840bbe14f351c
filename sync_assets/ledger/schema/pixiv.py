"""Tables of the Pixiv bookmarks: accounts, works, files."""

from sqlalchemy import JSON, Column, Index, Integer, Table, Text, UniqueConstraint

from sync_assets.ledger.schema.base import metadata
from sync_assets.ledger.types import RowId, UtcDateTime

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
