"""Tables of the Trakt accounts."""

from sqlalchemy import JSON, Column, Table, Text

from sync_assets.ledger.schema.base import metadata
from sync_assets.ledger.types import UtcDateTime

trakt_cursors = Table(
    "trakt_cursors",
    metadata,
    Column("account", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("value", JSON, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)
