"""Connected accounts: which token is used, and what becomes of one that is refused."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from sync_assets.bangumi.access import token_source
from sync_assets.bangumi.errors import BangumiUnauthorizedError, BangumiUnavailableError
from sync_assets.bangumi.oauth import token_keeper
from sync_assets.bangumi.report_models import ReportState
from sync_assets.bangumi.reports import count_states
from sync_assets.ledger import Ledger
from sync_assets.ledger.secrets import load_key
from sync_assets.oauth import ConnectAgainError, ConnectionState, read_connection
from sync_assets.settings.bangumi import BangumiSettings
from sync_assets_tests.bangumi.building import ACCOUNT, Account, matched
from sync_assets_tests.support.bangumi import connect, oauth_fields
from sync_assets_tests.upstreams.bangumi import TOKEN, BangumiServer
from sync_assets_tests.upstreams.bangumi_oauth import BangumiOAuth, Fault

NEARLY_OVER = timedelta(days=6, hours=12)
OVER = timedelta(days=8)


@pytest.fixture
def oauth(server: BangumiServer) -> Iterator[BangumiOAuth]:
    with BangumiOAuth(server) as running:
        yield running


@pytest.fixture
def connected(account: Account, server: BangumiServer, oauth: BangumiOAuth) -> Account:
    """An account that is connected, has no personal token, and has watched an episode."""
    changes = {**oauth_fields(oauth), "accounts": {ACCOUNT: {}}}
    account.settings = BangumiSettings.model_validate(
        {**account.settings.model_dump(), **changes, "base_url": server.url}
    )
    connect(oauth, account.ledger, load_key(account.directory), account.settings)
    server.add_subject(1)
    account.watch(matched(1, 1))
    server.tokens.clear()
    return account


def connect_again(account: Account, oauth: BangumiOAuth, age: timedelta) -> None:
    connect(oauth, account.ledger, load_key(account.directory), account.settings, age=age)


def state(ledger: Ledger) -> ConnectionState:
    with ledger.read() as connection:
        known = read_connection(connection, "bangumi", ACCOUNT)
    assert known is not None
    return known.state


def test_a_connected_account_reports_without_a_personal_token(
    connected: Account, server: BangumiServer
) -> None:
    connected.report()
    assert server.watched(1) == [1]


def test_a_token_that_soon_ends_is_renewed_before_it_does(
    connected: Account, server: BangumiServer, oauth: BangumiOAuth
) -> None:
    connect_again(connected, oauth, NEARLY_OVER)
    connected.report()
    assert server.watched(1) == [1]
    assert oauth.refreshes == ["bangumi-refresh-2"]


def test_a_401_in_the_middle_is_answered_with_one_refresh_and_the_same_request_again(
    connected: Account, server: BangumiServer, oauth: BangumiOAuth
) -> None:
    connected.plan()
    for grant in oauth.grants:
        grant.expires_at = 0
    connected.send()
    assert server.marks == {101: 1}
    assert oauth.refreshes == ["bangumi-refresh-1"]


def test_a_revoked_account_is_to_be_connected_again_and_nothing_is_lost(
    connected: Account, server: BangumiServer, oauth: BangumiOAuth
) -> None:
    connected.plan()
    oauth.revoke_all()
    for _ in range(2):
        with pytest.raises(ConnectAgainError, match="scripts/connect bangumi alice"):
            connected.send()
    assert oauth.refreshes == ["bangumi-refresh-1"]
    assert state(connected.ledger) is ConnectionState.CONNECT_AGAIN
    with connected.ledger.read() as connection:
        assert set(count_states(connection, ACCOUNT)) == {ReportState.PLANNED}
    connect_again(connected, oauth, timedelta())
    connected.send()
    assert server.marks == {101: 1}


def test_a_new_token_that_is_refused_as_well_ends_the_asking(
    connected: Account, server: BangumiServer, oauth: BangumiOAuth
) -> None:
    server.accepts = lambda _: False
    with pytest.raises(ConnectAgainError, match="refuses its newest token"):
        connected.plan()
    assert len(server.requests) == 2
    assert oauth.refreshes == ["bangumi-refresh-1"]


@pytest.mark.parametrize("kind", ["lost", "cut", "html"])
def test_a_lost_answer_to_a_refresh_is_never_followed_by_a_second(
    connected: Account, oauth: BangumiOAuth, kind: str
) -> None:
    connect_again(connected, oauth, NEARLY_OVER)
    oauth.faults.append(Fault(kind))
    for _ in range(2):
        with pytest.raises(ConnectAgainError):
            connected.plan()
    assert oauth.requests["/oauth/access_token"] == 1


def test_an_outage_of_the_oauth_host_is_one_of_bangumi_and_passes(
    connected: Account, server: BangumiServer, oauth: BangumiOAuth
) -> None:
    connect_again(connected, oauth, OVER)
    oauth.faults.append(Fault("503", times=9))
    with pytest.raises(BangumiUnavailableError, match="503"):
        connected.plan()
    assert state(connected.ledger) is ConnectionState.CONNECTED
    oauth.faults[0].times = 1
    connected.report()
    assert server.watched(1) == [1]


def test_two_threads_with_the_same_refused_token_send_one_refresh(
    connected: Account, oauth: BangumiOAuth
) -> None:
    for grant in oauth.grants:
        grant.expires_at = 0
    client = connected.client()
    threads = [threading.Thread(target=client.collection, args=(1,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    assert oauth.refreshes == ["bangumi-refresh-1"]


def test_which_token_is_used(
    sqlite_ledger: Ledger, oauth: BangumiOAuth, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    accounts = {ACCOUNT: {"access_token": TOKEN}}
    settings = BangumiSettings.model_validate({**oauth_fields(oauth), "accounts": accounts})
    key = load_key(tmp_path)

    def used() -> SecretStr:
        return token_source(settings, ACCOUNT, sqlite_ledger, tmp_path).access_token()

    assert used() == SecretStr(TOKEN)
    connect(oauth, sqlite_ledger, key, settings)
    assert used() == SecretStr("bangumi-access-1")
    token_keeper(sqlite_ledger, key, settings, ACCOUNT).give_up("It was revoked.")
    assert used() == SecretStr(TOKEN)
    assert "the personal token is used" in caplog.text


def test_an_account_without_any_token_says_how_to_get_one(
    sqlite_ledger: Ledger, tmp_path: Path
) -> None:
    settings = BangumiSettings.model_validate({"accounts": {ACCOUNT: {}}})
    source = token_source(settings, ACCOUNT, sqlite_ledger, tmp_path)
    with pytest.raises(BangumiUnauthorizedError, match="scripts/connect bangumi alice"):
        source.access_token()


def test_half_an_app_is_refused() -> None:
    with pytest.raises(ValueError, match="belong together"):
        BangumiSettings.model_validate({"client_id": "bgm1"})
