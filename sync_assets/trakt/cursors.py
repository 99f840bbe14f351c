"""How far each data set of an account is known: moved only after its rows are in the lake."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.ledger.schema import trakt_cursors
from sync_assets.ledger.types import utc_now


def read_cursor(connection: Connection, account: str, dataset: str) -> Mapping[str, Any]:
    """Return a cursor; empty where the data set was never read.

    Args:
        connection: A transaction of the ledger.
        account: The account's name in the configuration.
        dataset: Such as `history`.
    """
    table = trakt_cursors
    query = select(table.c.value).where(table.c.account == account, table.c.dataset == dataset)
    return connection.execute(query).scalar() or {}


def move_cursor(
    connection: Connection, account: str, dataset: str, value: Mapping[str, Any]
) -> None:
    """Remember how far a data set is known.

    Args:
        connection: A writing transaction of the ledger.
        account: The account's name in the configuration.
        dataset: Such as `history`.
        value: JSON-serialisable.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"value": dict(value), "changed_at": utc_now()}
    connection.execute(
        dialect.insert(trakt_cursors)
        .values(account=account, dataset=dataset, **values)
        .on_conflict_do_update(index_elements=["account", "dataset"], set_=values)
    )
