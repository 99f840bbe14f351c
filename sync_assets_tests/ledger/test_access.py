"""Secrets and tokens: encrypted, hashed, revocable, never in the clear on disk."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import text

from sync_assets.ledger import Ledger
from sync_assets.ledger.secrets import KEY_FILE_NAME, SecretKeyError, SecretStore, load_key
from sync_assets.ledger.tokens import (
    Scope,
    UnknownTokenError,
    create_token,
    list_tokens,
    revoke_token,
    verify_token,
)


def test_a_secret_comes_back_and_is_not_in_the_database_in_the_clear(ledger: Ledger) -> None:
    store = SecretStore(ledger, Fernet.generate_key())
    store.put("trakt/alice", SecretStr("first"))
    store.put("trakt/alice", SecretStr("correct horse"))
    assert store.get("trakt/alice") == SecretStr("correct horse")
    assert store.get("trakt/bob") is None
    with ledger.read() as connection:
        (ciphertext,) = connection.execute(text("SELECT ciphertext FROM secrets")).scalars()
    assert b"correct horse" not in bytes(ciphertext)
    store.remove("trakt/alice")
    assert store.get("trakt/alice") is None


def test_another_key_is_an_error_that_names_the_secret(ledger: Ledger) -> None:
    SecretStore(ledger, Fernet.generate_key()).put("a", SecretStr("value"))
    with pytest.raises(SecretKeyError, match="'a' cannot be decrypted"):
        SecretStore(ledger, Fernet.generate_key()).get("a")


def test_the_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    key = load_key(tmp_path / "home")
    assert load_key(tmp_path / "home") == key
    path = tmp_path / "home" / KEY_FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == [KEY_FILE_NAME]


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_key(tmp_path)
    (tmp_path / KEY_FILE_NAME).chmod(0o644)
    with pytest.raises(SecretKeyError, match="chmod 600"):
        load_key(tmp_path)


def test_the_variable_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = Fernet.generate_key()
    monkeypatch.setenv("SYNC_SECRET_KEY", key.decode())
    assert load_key(tmp_path) == key
    assert not (tmp_path / KEY_FILE_NAME).exists()
    monkeypatch.setenv("SYNC_SECRET_KEY", "too short")
    with pytest.raises(SecretKeyError, match="SYNC_SECRET_KEY is not a key") as caught:
        load_key(tmp_path)
    assert "too short" not in str(caught.value)


def test_a_token_is_verified_until_it_is_revoked(ledger: Ledger) -> None:
    with ledger.write() as connection:
        token, plain_text = create_token(connection, "cd2", Scope.INGEST)
    with ledger.read() as connection:
        assert verify_token(connection, plain_text) == token
        assert verify_token(connection, plain_text + "x") is None
        assert verify_token(connection, plain_text.replace("sync_", "other_")) is None
        assert verify_token(connection, "") is None
        assert verify_token(connection, "sync__") is None
    with ledger.write() as connection:
        revoke_token(connection, token.id)
        revoke_token(connection, token.id)
        assert verify_token(connection, plain_text) is None
        (listed,) = list_tokens(connection)
    assert listed.revoked_at is not None


def test_the_plain_text_of_a_token_is_not_stored(tmp_path: Path, sqlite_ledger: Ledger) -> None:
    with sqlite_ledger.write() as connection:
        _, plain_text = create_token(connection, "cd2", Scope.USER)
    sqlite_ledger.close()
    secret = plain_text.split("_", 2)[2].encode()
    for path in (tmp_path / "home").iterdir():
        assert secret not in path.read_bytes()


def test_an_unknown_token_cannot_be_revoked(ledger: Ledger) -> None:
    with pytest.raises(UnknownTokenError), ledger.write() as connection:
        revoke_token(connection, "nobody")


@pytest.mark.parametrize(
    ("held", "needed", "enough"),
    [
        (Scope.INGEST, Scope.INGEST, True),
        (Scope.INGEST, Scope.USER, False),
        (Scope.INGEST, Scope.ADMIN, False),
        (Scope.USER, Scope.INGEST, False),
        (Scope.USER, Scope.USER, True),
        (Scope.USER, Scope.ADMIN, False),
        (Scope.ADMIN, Scope.INGEST, True),
        (Scope.ADMIN, Scope.USER, True),
    ],
)
def test_scopes_allow_what_they_say(held: Scope, needed: Scope, enough: bool) -> None:
    assert held.allows(needed) is enough
