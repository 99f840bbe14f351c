"""Secrets that the project itself must keep, such as OAuth tokens: encrypted in the ledger.

The key is not in the ledger: `SYNC_SECRET_KEY`, or a file that only its owner can read, made
at the first start. A copy of the ledger alone gives nothing away.
"""

import os
import stat
from datetime import datetime
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.errors import SyncError
from sync_assets.ledger.engine import Ledger
from sync_assets.ledger.schema import secrets
from sync_assets.ledger.types import utc_now

KEY_VARIABLE = "SYNC_SECRET_KEY"
KEY_FILE_NAME = "secret.key"


class SecretKeyError(SyncError):
    """The key is missing, malformed, too widely readable, or not the one that encrypted."""


def load_key(home: Path) -> bytes:
    """Return the key; make the key file where neither it nor the variable exists.

    Args:
        home: The home directory.

    Returns:
        A Fernet key: 32 bytes, URL-safe base64.

    Raises:
        SecretKeyError: The key is malformed, or others than its owner can read the file.
    """
    from_environment = os.environ.get(KEY_VARIABLE)
    if from_environment:
        return _valid(from_environment.strip().encode(), KEY_VARIABLE)
    path = home / KEY_FILE_NAME
    try:
        if not path.exists():
            _create_key_file(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        content = path.read_bytes().strip()
    except OSError as error:
        raise SecretKeyError(
            f"The key file {path} cannot be used: {error.strerror}.",
            remedy=f"Make its directory writable for this user, or set {KEY_VARIABLE}.",
        ) from error
    if mode & 0o077:
        raise SecretKeyError(
            f"The key file {path} has mode {mode:04o}: others can read it.",
            remedy=f"Run: chmod 600 {path}",
        )
    return _valid(content, str(path))


class SecretStore:
    """The encrypted secrets.

    Args:
        ledger: The ledger that holds them.
        key: The Fernet key, from `load_key`.
    """

    def __init__(self, ledger: Ledger, key: bytes) -> None:
        self._ledger = ledger
        self._fernet = Fernet(key)

    def get(self, name: str) -> SecretStr | None:
        """Return a secret, or None where there is none of this name.

        Raises:
            SecretKeyError: It was encrypted with another key.
        """
        with self._ledger.read() as connection:
            query = select(secrets.c.ciphertext).where(secrets.c.name == name)
            ciphertext = connection.execute(query).scalar()
        return None if ciphertext is None else self._decrypted(name, ciphertext)

    def put(self, name: str, value: SecretStr) -> None:
        """Store a secret; replaces an earlier one of this name."""
        with self._ledger.write() as connection:
            self.put_within(connection, name, value)

    def put_within(self, connection: Connection, name: str, value: SecretStr) -> None:
        """Store a secret in the caller's transaction, together with what else it changes.

        Args:
            connection: A writing transaction of the ledger.
            name: Its name.
            value: The secret; replaces an earlier one of this name.
        """
        ciphertext = self._fernet.encrypt(value.get_secret_value().encode())
        values = {"ciphertext": ciphertext, "changed_at": utc_now()}
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(
            dialect.insert(secrets)
            .values(name=name, **values)
            .on_conflict_do_update(index_elements=["name"], set_=values)
        )

    def take(self, name: str) -> SecretStr | None:
        """Return a secret and remove it: of several callers one gets it.

        Raises:
            SecretKeyError: It was encrypted with another key.
        """
        with self._ledger.write() as connection:
            ciphertext = connection.execute(
                delete(secrets).where(secrets.c.name == name).returning(secrets.c.ciphertext)
            ).scalar()
        return None if ciphertext is None else self._decrypted(name, ciphertext)

    def remove_older(self, prefix: str, moment: datetime) -> None:
        """Remove all secrets that begin with a prefix and were stored before a moment."""
        with self._ledger.write() as connection:
            connection.execute(
                delete(secrets).where(
                    secrets.c.name.startswith(prefix, autoescape=True),
                    secrets.c.changed_at < moment,
                )
            )

    def remove(self, name: str) -> None:
        """Remove a secret; one that does not exist is no error."""
        with self._ledger.write() as connection:
            connection.execute(delete(secrets).where(secrets.c.name == name))

    def _decrypted(self, name: str, ciphertext: bytes) -> SecretStr:
        try:
            return SecretStr(self._fernet.decrypt(ciphertext).decode())
        except InvalidToken:
            raise SecretKeyError(
                f"The secret {name!r} cannot be decrypted: it was stored with another key.",
                remedy=f"Restore {KEY_FILE_NAME} or {KEY_VARIABLE}, or connect the account again.",
            ) from None


def _create_key_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{KEY_FILE_NAME}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # A link fails where the name exists: of two first starts one makes the key, both use it.
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def _valid(key: bytes, origin: str) -> bytes:
    try:
        Fernet(key)
    except ValueError:
        raise SecretKeyError(
            f"{origin} is not a key.",
            remedy="A key is 32 bytes in URL-safe base64. Restore the one in use; a new one "
            "cannot read the stored secrets.",
        ) from None
    return key
