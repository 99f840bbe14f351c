"""Cookies that only this server can make or read: who is signed in, and a message to show once.

Sealed with a key of their own, derived from that of the secrets. Neither a token's secret nor
anything else of value is in them.
"""

import base64
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync_assets.ledger.secrets import load_key

_KEY_BYTES = 32


class CookieSealer:
    """Seals texts so that a browser can keep them and nobody can read or change them.

    Args:
        home: The home directory, whose key is used; it is read when it is first needed.
    """

    def __init__(self, home: Path) -> None:
        self._home = home

    def seal(self, purpose: str, text: str) -> str:
        """Seal a text.

        Args:
            purpose: What the cookie is for: one cookie is never taken for another.
            text: What to keep.

        Returns:
            Characters that a cookie may hold.

        Raises:
            SecretKeyError: The key cannot be used.
        """
        return self._fernet.encrypt(f"{purpose}:{text}".encode()).decode()

    def open(self, purpose: str, sealed: str, lifetime: timedelta) -> str | None:
        """Read a sealed text.

        Args:
            purpose: What it must have been sealed for.
            sealed: What the browser sent.
            lifetime: The age from which on it is no longer accepted.

        Returns:
            The text; None where it is not of this server, too old, or for something else.

        Raises:
            SecretKeyError: The key cannot be used.
        """
        try:
            content = self._fernet.decrypt(sealed.encode(), ttl=int(lifetime.total_seconds()))
        except InvalidToken:
            return None
        sealed_for, _, text = content.decode().partition(":")
        return text if sealed_for == purpose else None

    @cached_property
    def _fernet(self) -> Fernet:
        derivation = HKDF(SHA256(), length=_KEY_BYTES, salt=None, info=b"sync_assets cookies")
        key = derivation.derive(base64.urlsafe_b64decode(load_key(self._home)))
        return Fernet(base64.urlsafe_b64encode(key))
