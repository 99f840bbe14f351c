"""Shares: secret addresses by which others read a user's feed or list, until they are revoked.

Only a hash of the secret is kept. The only functions that write to the table.
"""

import hashlib
import re
import secrets as randomness
from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from sync_assets.ledger.lifecycle import UnknownSubjectError
from sync_assets.ledger.schema import watchlist_shares
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.watchlist.models import ShareKind

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


def create(
    connection: Connection, owner: str, kind: ShareKind, name: str = ""
) -> tuple[AnyRow, str]:
    """Make a share.

    Args:
        connection: A writing transaction of the ledger.
        owner: Whose feed or list it shows.
        kind: Which of both.
        name: For whom it is, as the owner calls it.

    Returns:
        Its row, and its secret, which cannot be had again.
    """
    secret = randomness.token_urlsafe(32)
    row = connection.execute(
        insert(watchlist_shares)
        .values(
            owner=owner,
            kind=str(kind),
            name=name,
            secret_hash=_hash(secret),
            created_at=utc_now(),
        )
        .returning(*watchlist_shares.c)
    ).one()
    return row, secret


def find(connection: Connection, kind: ShareKind, secret: str) -> AnyRow | None:
    """Return the share of a secret; None where it is unknown, revoked or of another kind.

    Args:
        connection: A transaction of the ledger.
        kind: What is to be read.
        secret: What the bearer knows.
    """
    if not _SECRET.fullmatch(secret):
        return None
    columns = watchlist_shares.c
    query = select(watchlist_shares).where(
        columns.secret_hash == _hash(secret),
        columns.kind == str(kind),
        columns.revoked_at.is_(None),
    )
    return connection.execute(query).one_or_none()


def of_owner(connection: Connection, owner: str) -> Sequence[AnyRow]:
    """Return a user's shares that are not revoked, the oldest first.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
    """
    columns = watchlist_shares.c
    query = select(watchlist_shares).where(columns.owner == owner, columns.revoked_at.is_(None))
    return connection.execute(query.order_by(columns.id)).all()


def revoke(connection: Connection, owner: str, share_id: int) -> None:
    """Revoke a user's share: its address leads nowhere from now on.

    Args:
        connection: A writing transaction of the ledger.
        owner: The user.
        share_id: Which.

    Raises:
        UnknownSubjectError: There is none, it is revoked, or it is another user's.
    """
    columns = watchlist_shares.c
    revoked = connection.execute(
        update(watchlist_shares)
        .where(columns.id == share_id, columns.owner == owner, columns.revoked_at.is_(None))
        .values(revoked_at=utc_now())
    ).rowcount
    if not revoked:
        raise UnknownSubjectError(
            f"There is no share {share_id}.", remedy="GET /api/watchlist/shares lists all."
        )


def _hash(secret: str) -> bytes:
    # The secret has 256 random bits: a slow hash would add nothing.
    return hashlib.sha256(secret.encode()).digest()
