"""A provider as the pages and `scripts/connect` see it: its accounts, and the ways to connect one.

Each domain that connects accounts publishes one, in its module `oauth`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sync_assets.ledger import Ledger
from sync_assets.oauth.app import OAuthApp
from sync_assets.oauth.device import DeviceFlow, DeviceProvider
from sync_assets.oauth.keeping import TokenKeeper


@dataclass(frozen=True)
class Provider:
    """A provider, as this installation is configured for it.

    Attributes:
        name: Such as `trakt`: in addresses, in the configuration, in the ledger.
        title: What people call it.
        accounts: The configured accounts that are not paused, sorted.
        paused_accounts: The configured ones that are, sorted.
        app: Returns the registered app; raises `OAuthError` where none is configured.
        personal_accounts: Accounts with a token in the configuration, which is used as long as
            they are not connected.
        device_provider: Returns its device flow, for providers that have one; raises likewise.
    """

    name: str
    title: str
    accounts: Sequence[str]
    paused_accounts: Sequence[str]
    app: Callable[[], OAuthApp]
    personal_accounts: Sequence[str] = ()
    device_provider: Callable[[], DeviceProvider] | None = None

    def keeper(self, ledger: Ledger, key: bytes, account: str) -> TokenKeeper:
        """Return the tokens of an account.

        Args:
            ledger: Holds them.
            key: Encrypts them, from `ledger.secrets.load_key`.
            account: The account's name in the configuration.

        Raises:
            OAuthError: No app is configured.
        """
        return TokenKeeper(ledger, key, self.name, account, refresh=self.app().refresh)

    def device_flow(self, ledger: Ledger, key: bytes, account: str) -> DeviceFlow | None:
        """Return the device flow of an account; None where the provider has none.

        Args:
            ledger: Holds what is under way.
            key: Encrypts it.
            account: The account's name in the configuration.

        Raises:
            OAuthError: No app is configured.
        """
        if self.device_provider is None:
            return None
        keeper = self.keeper(ledger, key, account)
        name = f"{self.name}/{account}"
        return DeviceFlow(ledger, key, self.device_provider(), keeper, name)
