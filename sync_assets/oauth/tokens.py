"""The tokens of one account, and when they should be renewed."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr

RENEWAL_SHARE = 0.1
"""Tokens are renewed when so much of their lifetime is left."""


@dataclass(frozen=True)
class TokenSet:
    """What a provider gives for one account. Never stored or logged in the clear.

    Attributes:
        access_token: Goes with every request.
        refresh_token: Gets the next set, usually once; None for a personal token.
        obtained_at: When it was asked for, UTC.
        expires_at: When the access token ends, UTC; None where the provider did not say.
        scope: What it allows, in the provider's words.
    """

    access_token: SecretStr
    refresh_token: SecretStr | None
    obtained_at: datetime
    expires_at: datetime | None
    scope: str = ""

    @property
    def renew_at(self) -> datetime | None:
        """When to ask for the next set: early, so that an outage of the provider does no harm."""
        if self.expires_at is None:
            return None
        lifetime = max(self.expires_at - self.obtained_at, timedelta(0))
        return self.expires_at - lifetime * RENEWAL_SHARE

    def is_due(self, now: datetime) -> bool:
        """Tell whether the next set should be asked for."""
        return self.renew_at is not None and now >= self.renew_at

    def has_expired(self, now: datetime) -> bool:
        """Tell whether the access token has ended."""
        return self.expires_at is not None and now >= self.expires_at

    def to_secret(self) -> SecretStr:
        """Return everything as one text, for the encrypted store."""
        content = {
            "access_token": self.access_token.get_secret_value(),
            "refresh_token": self.refresh_token and self.refresh_token.get_secret_value(),
            "obtained_at": self.obtained_at.isoformat(),
            "expires_at": self.expires_at and self.expires_at.isoformat(),
            "scope": self.scope,
        }
        return SecretStr(json.dumps(content))

    @classmethod
    def from_secret(cls, secret: SecretStr) -> "TokenSet":
        """Return what `to_secret` was made of."""
        content = json.loads(secret.get_secret_value())
        refresh_token, expires_at = content["refresh_token"], content["expires_at"]
        return cls(
            access_token=SecretStr(content["access_token"]),
            refresh_token=SecretStr(refresh_token) if refresh_token else None,
            obtained_at=datetime.fromisoformat(content["obtained_at"]),
            expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
            scope=content["scope"],
        )
