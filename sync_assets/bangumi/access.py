"""Whose account requests are sent for: where their access token comes from."""

from typing import Protocol

from pydantic import SecretStr

from sync_assets.bangumi.errors import BangumiUnauthorizedError
from sync_assets.settings.bangumi import BangumiAccountSettings


class TokenSource(Protocol):
    """Gives the access token of one account; asked before each request."""

    def access_token(self) -> SecretStr:
        """Return the token that is valid now.

        Raises:
            SyncError: There is none: the account has to be connected.
        """
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
                f"The Bangumi account {self._account} has no access token.",
                remedy=f"Make one at https://next.bgm.tv/demo/access-token and set "
                f"bangumi.accounts.{self._account}.access_token.",
            )
        return self._token
