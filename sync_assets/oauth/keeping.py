"""Keep an account's tokens: encrypted, shared by all processes, renewed by one of them.

The order of every renewal: take the lease, write that the refresh token is about to be used, send
it, store both new tokens and the new state in one transaction, and only then use them. A process
that dies in between leaves `refreshing` behind, and the next one says "connect again" instead of
sending a token that may be used up.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection as DatabaseConnection

from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.ledger.secrets import SecretStore
from sync_assets.ledger.types import utc_now
from sync_assets.oauth.connections import (
    CONNECTIONS,
    Connection,
    ConnectionState,
    read_connection,
)
from sync_assets.oauth.errors import (
    ConnectAgainError,
    GrantRejectedError,
    NotConnectedError,
    ProviderUnavailableError,
    TokenAnswerLostError,
)
from sync_assets.oauth.tokens import TokenSet

LEASE_WAIT_SECONDS = 120.0
_RETRY_AFTER = timedelta(seconds=60)

Refresh = Callable[[SecretStr], TokenSet]
"""Exchanges a refresh token. Raises `GrantRejectedError`, `ProviderUnavailableError` or
`TokenAnswerLostError`."""

logger = logging.getLogger(__name__)


class TokenKeeper:
    """The tokens of one account.

    Args:
        ledger: Holds them.
        key: Encrypts them, from `ledger.secrets.load_key`.
        provider: Such as `trakt`.
        account: The account's name in the configuration.
        refresh: Exchanges a refresh token; None where the provider only has personal tokens.
        clock: The current time, aware.
    """

    def __init__(  # noqa: PLR0913 - two of them are optional, and named
        self,
        ledger: Ledger,
        key: bytes,
        provider: str,
        account: str,
        *,
        refresh: Refresh | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._ledger = ledger
        self._secrets = SecretStore(ledger, key)
        self._provider = provider
        self._account = account
        self._refresh = refresh
        self._clock = clock
        self._retry_at: datetime | None = None

    @property
    def remedy(self) -> str:
        """What the user does about an account that is not connected."""
        return f"Connect it: scripts/connect {self._provider} {self._account}"

    def connect(self, tokens: TokenSet) -> None:
        """Store the tokens of a new connection; replaces whatever the account had.

        Args:
            tokens: What the provider gave.
        """
        with self._ledger.write() as connection:
            self._store(connection, read_connection(connection, *self._identity), tokens)

    def disconnect(self) -> TokenSet | None:
        """Forget the account's tokens.

        Returns:
            What was forgotten, so that the caller can revoke it; None where there was nothing.
        """
        secret = self._secrets.take(self._secret_name)
        with self._ledger.write() as connection:
            known = read_connection(connection, *self._identity)
            if known is not None and known.state is not ConnectionState.CONNECT_AGAIN:
                self._give_up(connection, known, "It was disconnected.")
        return TokenSet.from_secret(secret) if secret is not None else None

    def access_token(self) -> SecretStr:
        """Return a token that can be used now; renews it where it soon ends.

        Raises:
            NotConnectedError: The account was never connected.
            ConnectAgainError: Its tokens are of no use any more.
            ProviderUnavailableError: The token has ended, and the provider gives no other now.
        """
        state, tokens = self._load()
        now = self._clock()
        waits = self._retry_at is not None and now < self._retry_at and not tokens.has_expired(now)
        if state is ConnectionState.CONNECTED and (waits or not tokens.is_due(now)):
            return tokens.access_token
        return self._renewed(tokens.access_token, was_rejected=False)

    def renew(self, rejected: SecretStr) -> SecretStr:
        """Return another token than the one that the provider has just refused.

        Another one that was stored meanwhile is returned without a refresh.

        Args:
            rejected: The access token that was answered with 401.

        Raises:
            ConnectAgainError: There is none: the account was disconnected at the provider.
            ProviderUnavailableError: The provider gives no other now.
        """
        return self._renewed(rejected, was_rejected=True)

    def give_up(self, reason: str) -> ConnectAgainError:
        """Remember that the account must be connected again.

        Args:
            reason: Why, as a sentence.

        Returns:
            The error to raise.
        """
        with self._ledger.write() as connection:
            known = read_connection(connection, *self._identity)
            if known is not None and known.state is not ConnectionState.CONNECT_AGAIN:
                self._give_up(connection, known, reason)
        return self._connect_again(reason)

    @property
    def _identity(self) -> tuple[str, str]:
        return self._provider, self._account

    @property
    def _secret_name(self) -> str:
        return f"oauth/{self._provider}/{self._account}"

    def _load(self) -> tuple[ConnectionState, TokenSet]:
        with self._ledger.read() as connection:
            known = read_connection(connection, *self._identity)
        secret = self._secrets.get(self._secret_name)
        if known is None:
            raise NotConnectedError(
                f"The {self._provider} account {self._account} is not connected.",
                remedy=self.remedy,
            )
        if known.state is ConnectionState.CONNECT_AGAIN or secret is None:
            raise self._connect_again(known.reason or "Its tokens are gone.")
        return known.state, TokenSet.from_secret(secret)

    def _renewed(self, stale: SecretStr, *, was_rejected: bool) -> SecretStr:
        name = ":".join(("oauth", *self._identity))
        purpose = f"refreshing the tokens of {self._provider} account {self._account}"
        with hold_lease(
            self._ledger, name, purpose=purpose, wait_seconds=LEASE_WAIT_SECONDS
        ) as lease:
            state, tokens = self._load()
            now = self._clock()
            if state is ConnectionState.REFRESHING:
                raise self.give_up(
                    "A refresh was interrupted: its single-use refresh token may be used up."
                )
            is_stale = tokens.access_token == stale
            if not is_stale and not tokens.is_due(now):
                return tokens.access_token
            usable = not ((is_stale and was_rejected) or tokens.has_expired(now))
            if tokens.refresh_token is None or self._refresh is None:
                if usable:
                    return tokens.access_token
                raise self.give_up("Its token has ended or was revoked.")
            lease.require()
            self._mark_refreshing()
            return self._exchange(tokens, tokens.refresh_token, self._refresh, usable=usable)

    def _exchange(
        self, tokens: TokenSet, refresh_token: SecretStr, refresh: Refresh, *, usable: bool
    ) -> SecretStr:
        try:
            renewed = refresh(refresh_token)
        except GrantRejectedError as error:
            raise self.give_up(f"Its refresh token was refused: {error.message}") from error
        except TokenAnswerLostError as error:
            raise self.give_up(
                f"The answer to a refresh was lost, and its refresh token with it: {error.message}"
            ) from error
        except ProviderUnavailableError as error:
            with self._ledger.write() as connection:
                known = self._known(connection)
                CONNECTIONS.transition(connection, known.id, ConnectionState.CONNECTED)
            if not usable:
                raise
            self._retry_at = self._clock() + _RETRY_AFTER
            logger.warning("%s Going on with the token that still holds.", error.message)
            return tokens.access_token
        with self._ledger.write() as connection:
            known = self._known(connection)
            if known.state is not ConnectionState.CONNECTED:
                self._store(connection, known, renewed)
        # Not the answer itself: its user may have connected the account meanwhile.
        return self._load()[1].access_token

    def _mark_refreshing(self) -> None:
        with self._ledger.write() as connection:
            CONNECTIONS.transition(
                connection,
                self._known(connection).id,
                ConnectionState.REFRESHING,
                expected=[ConnectionState.CONNECTED],
            )

    def _known(self, connection: DatabaseConnection) -> Connection:
        known = read_connection(connection, *self._identity)
        if known is None:
            raise NotConnectedError(
                f"The {self._provider} account {self._account} is not connected any more.",
                remedy=self.remedy,
            )
        return known

    def _store(
        self, connection: DatabaseConnection, known: Connection | None, tokens: TokenSet
    ) -> None:
        self._secrets.put_within(connection, self._secret_name, tokens.to_secret())
        changes: dict[str, Any] = {"expires_at": tokens.expires_at, "reason": None}
        if known is None:
            identity = {"provider": self._provider, "account": self._account}
            CONNECTIONS.create(connection, [{**identity, **changes}])
            return
        CONNECTIONS.transition(connection, known.id, ConnectionState.CONNECTED, **changes)

    def _give_up(self, connection: DatabaseConnection, known: Connection, reason: str) -> None:
        CONNECTIONS.transition(
            connection,
            known.id,
            ConnectionState.CONNECT_AGAIN,
            detail={"provider": self._provider, "account": self._account, "reason": reason},
            reason=reason,
        )

    def _connect_again(self, reason: str) -> ConnectAgainError:
        return ConnectAgainError(
            f"The {self._provider} account {self._account} must be connected again. {reason}",
            remedy=self.remedy.replace("Connect it", "Connect it again"),
        )
