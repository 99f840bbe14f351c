"""Tokens as the answer of a token endpoint gives them, for the stand-ins of all providers."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from sync_assets.oauth import TokenSet


def token_set(answer: dict[str, Any], *, age: timedelta = timedelta()) -> TokenSet:
    """Return an answer of the token endpoint as it would have been read some time ago."""
    obtained_at = datetime.now(UTC) - age
    return TokenSet(
        SecretStr(answer["access_token"]),
        SecretStr(answer["refresh_token"]),
        obtained_at,
        obtained_at + timedelta(seconds=answer["expires_in"]),
    )
