"""Tables of the Bangumi marks: reports and searches."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from sync_assets.ledger.schema.base import metadata
from sync_assets.ledger.types import RowId, UtcDateTime

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
