"""Whose account requests are sent for: where their access token comes from.

An account that is connected by OAuth uses those tokens, whether it has a personal token or not.
One that is not connected, or not any more, uses the personal token of the configuration.
"""

import logging
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from sync_assets.bangumi.errors import BangumiUnauthorizedError
from sync_assets.bangumi.oauth import PROVIDER, token_keeper
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.secrets import load_key
from sync_assets.oauth import ConnectionState, read_connection
from sync_assets.settings.bangumi import BangumiAccountSettings, BangumiSettings

_log = logging.getLogger(__name__)


class TokenSource(Protocol):
    """Gives the access token of one account; asked before each request."""

    def access_token(self) -> SecretStr:
        """Return the token that is valid now.

        Raises:
            SyncError: There is none: the account has to be connected.
        """
        ...

    def renew(self, rejected: SecretStr) -> SecretStr:
        """Return another token than the one that was answered with 401.

        Raises:
            SyncError: There is none: the account has to be connected again.
        """
        ...

    def give_up(self, reason: str) -> SyncError:
        """Remember that no token of the account is accepted; return the error to raise."""
        ...


class PersonalToken:
    """A personal access token of the configuration, which lasts up to a year.

    Args:
        account: The account's name.
        settings: Its settings.
    """

    def __init__(self, account: str, settings: BangumiAccountSettings) -> None:
        self._account = account
        self._token = settings.access_token

    def access_token(self) -> SecretStr:
        """Return the token.

        Raises:
            BangumiUnauthorizedError: None is configured.
        """
        if self._token is None:
            raise BangumiUnauthorizedError(
                f"The Bangumi account {self._account} is not connected.",
                remedy=f"Connect it: scripts/connect bangumi {self._account}, or set "
                f"bangumi.accounts.{self._account}.access_token to a token from "
                "https://next.bgm.tv/demo/access-token.",
            )
        return self._token

    def renew(self, rejected: SecretStr) -> SecretStr:  # noqa: ARG002 - there is but one
        """Nothing renews a personal token.

        Raises:
            BangumiUnauthorizedError: Always.
        """
        raise self.give_up("It has expired or was revoked.")

    def give_up(self, reason: str) -> BangumiUnauthorizedError:
        """Return the error that names the account and what to do."""
        return BangumiUnauthorizedError(
            f"Bangumi does not accept the personal token of {self._account}. {reason}",
            remedy="Make a new one at https://next.bgm.tv/demo/access-token and set "
            f"bangumi.accounts.{self._account}.access_token, or connect the account: "
            f"scripts/connect bangumi {self._account}",
        )


def token_source(
    settings: BangumiSettings, account: str, ledger: Ledger, home: Path
) -> TokenSource:
    """Return where the tokens of an account come from.

    Args:
        settings: The domain's settings.
        account: The account's name.
        ledger: Holds the tokens of connected accounts.
        home: Holds the key that they are encrypted with.

    Raises:
        SyncError: The account is connected, but the app or the key is missing.
    """
    with ledger.read() as connection:
        known = read_connection(connection, PROVIDER, account)
    personal = PersonalToken(account, settings.accounts[account])
    has_personal = settings.accounts[account].access_token is not None
    if known is None:
        return personal
    if known.state is ConnectionState.CONNECT_AGAIN and has_personal:
        _log.warning("%s: the personal token is used. %s", account, known.reason)
        return personal
    return token_keeper(ledger, load_key(home), settings, account)
