"""Bearer tokens of the HTTP API: shown once, stored hashed, compared in constant time."""

import hashlib
import hmac
import secrets as randomness
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from sync_assets.errors import SyncError
from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.schema import tokens
from sync_assets.ledger.types import AnyRow, utc_now

_PREFIX = "sync"


class Scope(StrEnum):
    """What a token's bearer may do."""

    INGEST = "ingest"
    USER = "user"
    ADMIN = "admin"

    def allows(self, needed: "Scope") -> bool:
        """Tell whether this scope is enough; an administrator may do everything."""
        return self in (needed, Scope.ADMIN)


class UnknownTokenError(SyncError):
    """There is no token with this id."""


@dataclass(frozen=True)
class Token:
    """A token without its secret.

    Attributes:
        id: Its public part.
        name: Who or what bears it.
        user: For whom its bearer acts: what is made with it belongs to this user, whichever of
            the user's tokens is shown.
        scope: What it may do.
        created_at: When it was made, UTC.
        revoked_at: When it was revoked, UTC.
    """

    id: str
    name: str
    user: str
    scope: Scope
    created_at: datetime
    revoked_at: datetime | None


def create_token(
    connection: Connection, name: str, scope: Scope, *, user: str | None = None
) -> tuple[Token, str]:
    """Make a token.

    Args:
        connection: A writing transaction of the ledger.
        name: Who or what will bear it.
        scope: What it may do.
        user: For whom its bearer acts; None for a user of the token's name.

    Returns:
        The token, and its plain text, which cannot be had again.
    """
    token_id, secret = randomness.token_hex(6), randomness.token_urlsafe(32)
    row = connection.execute(
        insert(tokens)
        .values(
            id=token_id,
            name=name,
            user_name=user or name,
            scope=scope,
            secret_hash=_hash(secret),
            created_at=utc_now(),
        )
        .returning(*tokens.c)
    ).one()
    append_events(
        connection,
        [
            Event(
                "token",
                token_id,
                state="active",
                detail={"name": name, "user": user or name, "scope": scope},
            )
        ],
    )
    return _token(row), f"{_PREFIX}_{token_id}_{secret}"


def verify_token(connection: Connection, plain_text: str) -> Token | None:
    """Find out whose token this is.

    Args:
        connection: A transaction of the ledger.
        plain_text: What the client sent.

    Returns:
        The token; None where it is unknown, wrong or revoked.
    """
    prefix, _, rest = plain_text.partition("_")
    token_id, _, secret = rest.partition("_")
    row = connection.execute(select(tokens).where(tokens.c.id == token_id)).one_or_none()
    # Compared for unknown ids too, so that the time taken does not tell which ids exist.
    stored = row.secret_hash if row is not None else bytes(hashlib.sha256().digest_size)
    matches = hmac.compare_digest(_hash(secret), stored)
    if prefix != _PREFIX or row is None or row.revoked_at is not None or not matches:
        return None
    return _token(row)


def find_active_token(connection: Connection, token_id: str) -> Token | None:
    """Return a token whose bearer has proved itself before.

    Args:
        connection: A transaction of the ledger.
        token_id: Its public part.

    Returns:
        The token; None where it is unknown or revoked.
    """
    query = select(tokens).where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
    row = connection.execute(query).one_or_none()
    return None if row is None else _token(row)


def list_tokens(connection: Connection) -> list[Token]:
    """Return all tokens, revoked ones too, oldest first."""
    query = select(tokens).order_by(tokens.c.created_at, tokens.c.id)
    return [_token(row) for row in connection.execute(query)]


def revoked_token_ids(connection: Connection) -> frozenset[str]:
    """Return the ids of all revoked tokens, for whoever serves a bearer for a long time."""
    query = select(tokens.c.id).where(tokens.c.revoked_at.is_not(None))
    return frozenset(connection.execute(query).scalars())


def revoke_token(connection: Connection, token_id: str) -> Token:
    """Revoke a token; it stays listed. One that is revoked already stays as it is.

    Args:
        connection: A writing transaction of the ledger.
        token_id: Its public part.

    Returns:
        The token.

    Raises:
        UnknownTokenError: There is no such token.
    """
    row = connection.execute(select(tokens).where(tokens.c.id == token_id)).one_or_none()
    if row is None:
        raise UnknownTokenError(
            f"There is no token {token_id!r}.", remedy="scripts/token list shows all ids."
        )
    if row.revoked_at is not None:
        return _token(row)
    row = connection.execute(
        update(tokens)
        .where(tokens.c.id == token_id)
        .values(revoked_at=utc_now())
        .returning(*tokens.c)
    ).one()
    append_events(connection, [Event("token", token_id, previous_state="active", state="revoked")])
    return _token(row)


def _hash(secret: str) -> bytes:
    # The secret has 256 random bits: a slow hash would add nothing but delay to every request.
    return hashlib.sha256(secret.encode()).digest()


def _token(row: AnyRow) -> Token:
    return Token(row.id, row.name, row.user_name, Scope(row.scope), row.created_at, row.revoked_at)
