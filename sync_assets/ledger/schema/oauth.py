"""Tables of the accounts that were connected by OAuth."""

from sqlalchemy import Column, Table, Text, UniqueConstraint

from sync_assets.ledger.schema.base import metadata
from sync_assets.ledger.types import RowId, UtcDateTime

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
