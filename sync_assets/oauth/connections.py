"""The state of each connected account: the lifecycle, and reading it.

A refresh token can be used once. `refreshing` is therefore written before it is sent: whoever
finds that state without anybody at work knows that the token may be used up, and asks for no
second answer.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import select

from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import oauth_connections


class ConnectionState(StrEnum):
    """What can be done with an account's tokens."""

    CONNECTED = "connected"
    REFRESHING = "refreshing"
    CONNECT_AGAIN = "connect_again"


CONNECTIONS = Lifecycle(
    "oauth_connection",
    states=ConnectionState,
    initial=[ConnectionState.CONNECTED],
    transitions={
        ConnectionState.CONNECTED: [
            ConnectionState.CONNECTED,
            ConnectionState.REFRESHING,
            ConnectionState.CONNECT_AGAIN,
        ],
        ConnectionState.REFRESHING: [ConnectionState.CONNECTED, ConnectionState.CONNECT_AGAIN],
        ConnectionState.CONNECT_AGAIN: [ConnectionState.CONNECTED],
    },
)
CONNECTIONS.bind(oauth_connections)


@dataclass(frozen=True)
class Connection:
    """An account that was connected.

    Attributes:
        id: Its row.
        provider: Such as `trakt`.
        account: The account's name in the configuration.
        state: What can be done with its tokens.
        changed_at: Since when, UTC.
        expires_at: When its access token ends, UTC; None where that is unknown.
        reason: Why it must be connected again.
    """

    id: int
    provider: str
    account: str
    state: ConnectionState
    changed_at: datetime
    expires_at: datetime | None
    reason: str | None


def read_connection(
    connection: DatabaseConnection, provider: str, account: str
) -> Connection | None:
    """Return the state of an account; None where it was never connected.

    Args:
        connection: A transaction of the ledger.
        provider: Such as `trakt`.
        account: The account's name in the configuration.
    """
    table = oauth_connections
    query = select(table).where(table.c.provider == provider, table.c.account == account)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    values: dict[str, Any] = dict(row)
    values["state"] = ConnectionState(values["state"])
    return Connection(**values)
