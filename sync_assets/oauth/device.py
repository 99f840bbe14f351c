"""The device flow: a code that the user types in elsewhere while this project asks for the result.

Source: RFC 8628. What is under way is kept in the ledger, so that a page that is loaded again, or
after the server's restart, goes on with the same code.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import SecretStr

from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.ledger.secrets import SecretStore
from sync_assets.ledger.types import utc_now
from sync_assets.oauth.errors import OAuthError
from sync_assets.oauth.keeping import TokenKeeper
from sync_assets.oauth.tokens import TokenSet

SLOW_DOWN_SECONDS = 5
"""How much longer to wait between two requests after being told so (RFC 8628, section 3.5)."""


class DeviceFlowError(OAuthError):
    """The flow has ended without a connection: denied, expired, or used already."""


class AuthorizationPendingError(OAuthError):
    """The user has not answered yet."""


class SlowDownError(AuthorizationPendingError):
    """The provider was asked too often."""


@dataclass(frozen=True)
class DeviceCode:
    """A device flow under way.

    Attributes:
        device_code: Identifies it to the provider; secret.
        user_code: What the user types in.
        verification_url: Where.
        expires_at: When it ends, UTC.
        interval_seconds: How long to wait between two requests.
        poll_at: When to ask next, UTC.
    """

    device_code: SecretStr
    user_code: str
    verification_url: str
    expires_at: datetime
    interval_seconds: int
    poll_at: datetime


class DeviceProvider(Protocol):
    """What a provider with a device flow offers."""

    def request_code(self) -> DeviceCode:
        """Begin a flow."""
        ...

    def poll(self, code: SecretStr) -> TokenSet:
        """Ask for the result of a flow.

        Raises:
            AuthorizationPendingError: There is none yet.
            DeviceFlowError: There will be none.
            ProviderUnavailableError: It cannot be asked now.
        """
        ...


class DeviceFlow:
    """The device flow of one account.

    Args:
        ledger: Holds what is under way.
        key: Encrypts it, from `ledger.secrets.load_key`.
        provider: The provider.
        keeper: Stores the tokens.
        name: The provider and account, such as `trakt/alice`.
        clock: The current time, aware.
    """

    def __init__(  # noqa: PLR0913 - one is optional
        self,
        ledger: Ledger,
        key: bytes,
        provider: DeviceProvider,
        keeper: TokenKeeper,
        name: str,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._ledger = ledger
        self._secrets = SecretStore(ledger, key)
        self._provider = provider
        self._keeper = keeper
        self._name = f"oauth-device/{name}"
        self._clock = clock

    def start(self) -> DeviceCode:
        """Begin a flow; one that is under way is forgotten.

        Returns:
            The code to show.

        Raises:
            OAuthError: The provider refuses, or cannot be asked.
        """
        code = self._provider.request_code()
        self._put(code)
        return code

    def current(self) -> DeviceCode | None:
        """Return the flow that is under way, or None where there is none."""
        secret = self._secrets.get(self._name)
        code = _from_secret(secret) if secret is not None else None
        return code if code is not None and self._clock() < code.expires_at else None

    def poll(self) -> bool:
        """Ask for the result, where it is time to ask.

        Returns:
            Whether the account is connected now.

        Raises:
            DeviceFlowError: The flow has ended without a connection.
            OAuthError: The provider cannot be asked.
        """
        with hold_lease(self._ledger, self._name, purpose="device flow", wait_seconds=60):
            code = self.current()
            if code is None:
                raise DeviceFlowError("The code has expired.", remedy="Begin again.")
            if self._clock() < code.poll_at:
                return False
            try:
                tokens = self._provider.poll(code.device_code)
            except AuthorizationPendingError as error:
                slower = SLOW_DOWN_SECONDS if isinstance(error, SlowDownError) else 0
                interval = code.interval_seconds + slower
                poll_at = self._clock() + timedelta(seconds=interval)
                self._put(replace(code, interval_seconds=interval, poll_at=poll_at))
                return False
            except DeviceFlowError:
                self._secrets.remove(self._name)
                raise
            self._keeper.connect(tokens)
            self._secrets.remove(self._name)
            return True

    def _put(self, code: DeviceCode) -> None:
        content = {
            "device_code": code.device_code.get_secret_value(),
            "user_code": code.user_code,
            "verification_url": code.verification_url,
            "expires_at": code.expires_at.isoformat(),
            "interval_seconds": code.interval_seconds,
            "poll_at": code.poll_at.isoformat(),
        }
        self._secrets.put(self._name, SecretStr(json.dumps(content)))


def _from_secret(secret: SecretStr) -> DeviceCode:
    content = json.loads(secret.get_secret_value())
    return DeviceCode(
        device_code=SecretStr(content["device_code"]),
        user_code=content["user_code"],
        verification_url=content["verification_url"],
        expires_at=datetime.fromisoformat(content["expires_at"]),
        interval_seconds=content["interval_seconds"],
        poll_at=datetime.fromisoformat(content["poll_at"]),
    )
