"""Tokens: encrypted, renewed in time by one process, never used twice, never looping."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import select

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import read_events
from sync_assets.ledger.schema import secrets
from sync_assets.oauth import (
    ConnectAgainError,
    ConnectionState,
    NotConnectedError,
    ProviderUnavailableError,
    TokenKeeper,
    TokenSet,
    read_connection,
)
from sync_assets.trakt.oauth import oauth_app, token_keeper
from sync_assets_tests.support.oauth import token_set
from sync_assets_tests.support.trakt import connect, trakt_settings
from sync_assets_tests.upstreams.trakt import TraktUpstream

NEARLY_OVER = timedelta(days=6, hours=12)
OVER = timedelta(days=8)


@pytest.fixture
def keeper(upstream: TraktUpstream, ledger: Ledger, key: bytes) -> TokenKeeper:
    return token_keeper(ledger, key, trakt_settings(upstream), "alice")


def state_of(ledger: Ledger) -> ConnectionState:
    with ledger.read() as connection:
        known = read_connection(connection, "trakt", "alice")
    assert known is not None
    return known.state


def refresher(upstream: TraktUpstream, ledger: Ledger, key: bytes) -> subprocess.Popen[str]:
    """Start another process that will ask for a token when told to; wait until it is ready."""
    given = {
        "ledger_url": ledger.url.render_as_string(hide_password=False),
        "key": key.decode(),
        "oauth_url": upstream.auth.url,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "sync_assets_tests.oauth.refresher", json.dumps(given)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_an_account_that_was_never_connected_says_how_to_connect_it(keeper: TokenKeeper) -> None:
    with pytest.raises(NotConnectedError, match="scripts/connect trakt alice"):
        keeper.access_token()


def test_tokens_are_stored_encrypted_and_not_in_the_history(
    upstream: TraktUpstream, ledger: Ledger, key: bytes, keeper: TokenKeeper
) -> None:
    connect(upstream, ledger, key)
    assert keeper.access_token() == SecretStr("access-1")
    with ledger.read() as connection:
        stored = connection.execute(select(secrets.c.ciphertext)).scalars().all()
        history = read_events(connection)
    assert all(b"access-1" not in each and b"refresh-1" not in each for each in stored)
    assert "access-1" not in str(history)


def test_a_token_that_soon_ends_is_renewed_and_both_new_ones_are_stored(
    upstream: TraktUpstream, ledger: Ledger, key: bytes, keeper: TokenKeeper
) -> None:
    connect(upstream, ledger, key, age=NEARLY_OVER)
    assert keeper.access_token() == SecretStr("access-2")
    assert keeper.access_token() == SecretStr("access-2")
    assert upstream.refreshes == ["refresh-1"]
    assert state_of(ledger) is ConnectionState.CONNECTED
    connect(upstream, ledger, key, age=OVER)
    assert keeper.access_token() == SecretStr("access-4")


def test_expires_in_is_obeyed_whatever_it_is(
    upstream: TraktUpstream, ledger: Ledger, key: bytes, keeper: TokenKeeper
) -> None:
    upstream.lifetime_seconds = 3600
    connect(upstream, ledger, key, age=timedelta(minutes=50))
    assert keeper.access_token() == SecretStr("access-1")
    connect(upstream, ledger, key, age=timedelta(minutes=55))
    assert keeper.access_token() == SecretStr("access-3")


def test_a_refused_refresh_token_means_connect_again_and_is_not_sent_again(
    upstream: TraktUpstream, ledger: Ledger, key: bytes, keeper: TokenKeeper
) -> None:
    connect(upstream, ledger, key, age=NEARLY_OVER)
    upstream.revoke_all()
    for _ in range(3):
        with pytest.raises(ConnectAgainError, match="scripts/connect trakt alice"):
            keeper.access_token()
    assert upstream.refreshes == ["refresh-1"]
    assert state_of(ledger) is ConnectionState.CONNECT_AGAIN


def test_connecting_again_mends_it(
    upstream: TraktUpstream, ledger: Ledger, key: bytes, keeper: TokenKeeper
) -> None:
    connect(upstream, ledger, key)
    keeper.give_up("It was revoked.")
    with pytest.raises(ConnectAgainError, match="It was revoked"):
        keeper.access_token()
    connect(upstream, ledger, key)
    assert keeper.access_token() == SecretStr("access-2")


@pytest.mark.parametrize("status", [429, 500, 503, 522])
def test_an_outage_of_the_provider_costs_no_token(
    upstream: TraktUpstream, ledger: Ledger, key: bytes, keeper: TokenKeeper, status: int
) -> None:
    connect(upstream, ledger, key, age=NEARLY_OVER)
    upstream.fail(status, "/oauth/token")
    assert keeper.access_token() == SecretStr("access-1")
    # Not asked again at once.
    assert keeper.access_token() == SecretStr("access-1")
    assert upstream.requests["/oauth/token"] == 1
    later = token_keeper(ledger, key, trakt_settings(upstream), "alice")
    assert later.access_token() == SecretStr("access-2")


def test_an_outage_after_the_end_of_the_token_is_an_error_that_passes(
    upstream: TraktUpstream, ledger: Ledger, key: bytes, keeper: TokenKeeper
) -> None:
    connect(upstream, ledger, key, age=OVER)
    upstream.fail(503, "/oauth/token")
    with pytest.raises(ProviderUnavailableError):
        keeper.access_token()
    assert state_of(ledger) is ConnectionState.CONNECTED
    assert keeper.access_token() == SecretStr("access-2")


@pytest.mark.parametrize("fault", ["cut", "reset", "html"])
def test_a_lost_answer_means_connect_again_and_the_token_is_not_used_twice(
    upstream: TraktUpstream, ledger: Ledger, key: bytes, keeper: TokenKeeper, fault: str
) -> None:
    connect(upstream, ledger, key, age=NEARLY_OVER)
    upstream.fail(fault, "/oauth/token")
    for _ in range(2):
        with pytest.raises(ConnectAgainError):
            keeper.access_token()
    assert upstream.requests["/oauth/token"] == 1


def test_a_process_killed_between_the_answer_and_the_storing_is_reported_and_never_loops(
    upstream: TraktUpstream, ledger: Ledger, key: bytes, keeper: TokenKeeper
) -> None:
    connect(upstream, ledger, key, age=NEARLY_OVER)
    upstream.fail("slow", "/oauth/token", seconds=60)
    process = refresher(upstream, ledger, key)
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    answered = threading.Event()
    while not upstream.refreshes:
        answered.wait(0.01)
    process.kill()
    process.communicate()
    assert state_of(ledger) is ConnectionState.REFRESHING
    for _ in range(3):
        with pytest.raises(ConnectAgainError, match="interrupted"):
            keeper.access_token()
    assert upstream.refreshes == ["refresh-1"]


def test_two_processes_at_once_send_one_refresh(
    upstream: TraktUpstream, ledger: Ledger, key: bytes
) -> None:
    connect(upstream, ledger, key, age=NEARLY_OVER)
    upstream.fail("slow", "/oauth/token", seconds=0.5)
    processes = [refresher(upstream, ledger, key) for _ in range(2)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in processes] == ["access-2\n"] * 2
    assert upstream.refreshes == ["refresh-1"]


def test_many_threads_after_a_401_send_one_refresh(
    upstream: TraktUpstream, ledger: Ledger, key: bytes, keeper: TokenKeeper
) -> None:
    connect(upstream, ledger, key)
    rejected = keeper.access_token()
    renewed = []
    threads = [
        threading.Thread(target=lambda: renewed.append(keeper.renew(rejected))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert renewed == [SecretStr("access-2")] * 4
    assert upstream.refreshes == ["refresh-1"]


def test_one_who_says_late_that_a_token_was_refused_gets_the_new_one(
    upstream: TraktUpstream, ledger: Ledger, key: bytes, keeper: TokenKeeper
) -> None:
    connect(upstream, ledger, key)
    rejected = keeper.access_token()
    assert keeper.renew(rejected) == SecretStr("access-2")
    assert keeper.renew(rejected) == SecretStr("access-2")
    assert upstream.refreshes == ["refresh-1"]


def test_a_refresh_token_used_twice_is_refused_by_the_stand_in(upstream: TraktUpstream) -> None:
    oauth_refresh = oauth_app(trakt_settings(upstream)).refresh
    upstream.grant()
    oauth_refresh(SecretStr("refresh-1"))
    with pytest.raises(Exception, match="invalid_grant"):
        oauth_refresh(SecretStr("refresh-1"))


def test_a_personal_token_needs_no_refresh_and_ends(ledger: Ledger, key: bytes) -> None:
    now = datetime.now(UTC)
    keeper = TokenKeeper(ledger, key, "bangumi", "bob")
    keeper.connect(TokenSet(SecretStr("personal"), None, now, now + timedelta(days=365)))
    assert keeper.access_token() == SecretStr("personal")
    keeper.connect(TokenSet(SecretStr("personal"), None, now - timedelta(2), now - timedelta(1)))
    with pytest.raises(ConnectAgainError, match="scripts/connect bangumi bob"):
        keeper.access_token()


def test_accounts_do_not_share_tokens(
    upstream: TraktUpstream, ledger: Ledger, key: bytes, keeper: TokenKeeper
) -> None:
    connect(upstream, ledger, key)
    settings = trakt_settings(upstream, accounts={"alice": {}, "bob": {}})
    with pytest.raises(NotConnectedError, match="bob"):
        token_keeper(ledger, key, settings, "bob").access_token()


def test_disconnecting_forgets_the_tokens_and_returns_them_once(
    upstream: TraktUpstream, ledger: Ledger, key: bytes, keeper: TokenKeeper
) -> None:
    connect(upstream, ledger, key)
    forgotten = keeper.disconnect()
    assert forgotten is not None
    assert forgotten.access_token == SecretStr("access-1")
    assert keeper.disconnect() is None
    with pytest.raises(ConnectAgainError, match="It was disconnected"):
        keeper.access_token()


def test_a_key_that_is_not_the_one_is_said(
    upstream: TraktUpstream, ledger: Ledger, key: bytes
) -> None:
    connect(upstream, ledger, key)
    other = token_keeper(ledger, Fernet.generate_key(), trakt_settings(upstream), "alice")
    with pytest.raises(Exception, match="another key"):
        other.access_token()


def test_the_text_of_a_token_set_shows_no_token(upstream: TraktUpstream) -> None:
    assert "access-1" not in repr(token_set(upstream.grant()))
