"""Verify bearer tokens against the ledger, without asking it for every request.

Reading a token takes as long as everything else that a webhook's request needs. A token that was
valid is therefore trusted for one second more: a revoked one stops within that time.
"""

import hashlib
import time
from collections.abc import Callable

from sqlalchemy import Connection

from sync_assets.ledger.tokens import Token, find_active_token, verify_token
from sync_assets.server.ledger_reader import LedgerReader

TRUSTED_SECONDS = 1.0


class TokenVerifier:
    """Remembers for a moment which tokens are valid; never which ones are not.

    Args:
        reader: Reads the ledger.
        clock: Seconds that never go back.
    """

    def __init__(
        self, reader: LedgerReader, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._trusted: dict[bytes, tuple[float, Token]] = {}

    async def verify(self, plain_text: str) -> Token | None:
        """Find out whose token this is.

        Args:
            plain_text: What the client sent.

        Returns:
            The token; None where it is unknown, wrong or revoked.

        Raises:
            LedgerUnavailableError: The ledger cannot be read.
        """
        # By the hash, so that the time of the search tells nothing about the token.
        key = hashlib.sha256(plain_text.encode()).digest()
        return await self._verify(key, lambda connection: verify_token(connection, plain_text))

    async def verify_id(self, token_id: str) -> Token | None:
        """Find out whether a token whose bearer has signed in is still valid.

        Args:
            token_id: Its public part, from a session that this server has made.

        Returns:
            The token; None where it is unknown or revoked.

        Raises:
            LedgerUnavailableError: The ledger cannot be read.
        """
        return await self._verify(
            token_id.encode(), lambda connection: find_active_token(connection, token_id)
        )

    async def _verify(self, key: bytes, find: Callable[[Connection], Token | None]) -> Token | None:
        trusted_until, token = self._trusted.get(key, (0.0, None))
        if token is not None and self._clock() < trusted_until:
            return token
        asked_at = self._clock()
        token = await self._reader.read(find)
        if token is None:
            self._trusted.pop(key, None)
        else:
            self._trusted[key] = (asked_at + TRUSTED_SECONDS, token)
        return token
