"""The authorization-code flow: a state that is bound to one browser and good for one use.

Source: RFC 6749, sections 4.1 and 10.12 (the state protects against cross-site requests).
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr

from sync_assets.ledger import Ledger
from sync_assets.ledger.secrets import SecretStore
from sync_assets.ledger.types import utc_now
from sync_assets.oauth.errors import OAuthError

LIFETIME = timedelta(minutes=10)
_PREFIX = "oauth-state/"


class StateRejectedError(OAuthError):
    """An authorization came back that was not begun here, or too late, or twice."""


@dataclass(frozen=True)
class Authorization:
    """An authorization that was begun.

    Attributes:
        state: Goes to the provider, and comes back with the code.
        browser: Stays with the browser that began, as a cookie.
    """

    state: str
    browser: str


class Authorizations:
    """The authorizations under way.

    Args:
        ledger: Holds them.
        key: Encrypts them, from `ledger.secrets.load_key`.
    """

    def __init__(self, ledger: Ledger, key: bytes) -> None:
        self._secrets = SecretStore(ledger, key)

    def begin(self, provider: str, account: str) -> Authorization:
        """Begin one.

        Args:
            provider: Such as `trakt`.
            account: The account that the tokens will be for.

        Returns:
            What identifies it.
        """
        self._secrets.remove_older(_PREFIX, utc_now() - LIFETIME)
        begun = Authorization(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        content = {
            "account": account,
            "browser": begun.browser,
            "expires_at": (utc_now() + LIFETIME).timestamp(),
        }
        self._secrets.put(_name(provider, begun.state), SecretStr(json.dumps(content)))
        return begun

    def redeem(self, provider: str, state: str, browser: str) -> str:
        """Take back one that was begun; a second time it is refused.

        Args:
            provider: Such as `trakt`.
            state: What came back from the provider.
            browser: What the browser's cookie says.

        Returns:
            The account that it was begun for.

        Raises:
            StateRejectedError: It was not begun by this browser, or is too old, or was used.
        """
        name = _name(provider, state)
        secret = self._secrets.get(name)
        content = json.loads(secret.get_secret_value()) if secret is not None else {}
        is_ours = hmac.compare_digest(content.get("browser", "").encode(), browser.encode())
        is_in_time = is_ours and content.get("expires_at", 0) > utc_now().timestamp()
        # Another browser's attempt uses nothing up: with scripts/connect the server comes first.
        if not is_in_time or self._secrets.take(name) is None:
            raise StateRejectedError(
                "This authorization was not begun by this browser, or is more than ten minutes "
                "old, or was used already.",
                remedy="Begin again, and finish it in the same browser. If scripts/connect is "
                "waiting, give it the address of this page.",
            )
        return content["account"]


def _name(provider: str, state: str) -> str:
    return f"{_PREFIX}{provider}/{hashlib.sha256(state.encode()).hexdigest()}"
