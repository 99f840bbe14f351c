"""The pages that connect accounts: codes, states, and what a stranger may not do."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from sync_assets.bangumi.oauth import token_keeper as bangumi_keeper
from sync_assets.ledger import Ledger
from sync_assets.ledger.secrets import load_key
from sync_assets.ledger.tokens import Scope
from sync_assets.ledger.types import utc_now
from sync_assets.oauth import NotConnectedError, authorization
from sync_assets.oauth.authorization import Authorizations, StateRejectedError
from sync_assets.settings import Settings
from sync_assets.trakt.oauth import token_keeper
from sync_assets_tests.support.bangumi import bangumi_settings, running_oauth
from sync_assets_tests.support.trakt import running_trakt, trakt_settings
from sync_assets_tests.upstreams.bangumi_oauth import CLIENT_SECRET, BangumiOAuth
from sync_assets_tests.upstreams.trakt import TraktUpstream

PAGE = "/oauth/trakt"
BANGUMI_PAGE = "/oauth/bangumi"


@pytest.fixture
def upstream() -> Iterator[TraktUpstream]:
    with running_trakt() as running:
        running.device_interval = 0
        yield running


@pytest.fixture
def bangumi() -> Iterator[BangumiOAuth]:
    with running_oauth() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, upstream: TraktUpstream, bangumi: BangumiOAuth) -> Settings:
    to_us = "http://testserver/oauth/{}/callback".format
    return Settings(
        home=tmp_path,
        trakt=trakt_settings(upstream, redirect_uri=to_us("trakt")),
        bangumi=bangumi_settings(
            bangumi,
            redirect_uri=to_us("bangumi"),
            accounts={"alice": {}, "bob": {"access_token": "a-personal-token"}},
        ),
    )


@pytest.fixture(autouse=True)
def _signed_in(sign_in) -> None:
    sign_in(Scope.ADMIN)


def access_token(settings: Settings, ledger: Ledger) -> SecretStr:
    key = load_key(settings.home)
    return token_keeper(ledger, key, settings.trakt, "alice").access_token()


def begin(client, page: str = PAGE) -> httpx.URL:
    """Begin an authorization; return where the provider would send the browser back to."""
    answer = client.get(f"{page}/start", params={"account": "alice"}, follow_redirects=False)
    assert answer.status_code == 303
    return httpx.URL(httpx.get(answer.headers["location"]).headers["location"])


def test_the_page_shows_the_state_of_the_account(client) -> None:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    assert "Not connected" in answer.text


@pytest.mark.parametrize("address", ["", "/start?account=alice"])
def test_the_page_is_for_administrators(client, sign_in, address: str) -> None:
    client.cookies.clear()
    assert client.get(f"{PAGE}{address}", follow_redirects=False).status_code == 401
    sign_in(Scope.USER)
    assert client.get(f"{PAGE}{address}", follow_redirects=False).status_code == 403


def test_only_an_administrator_gets_a_code(client, sign_in, upstream) -> None:
    sign_in(Scope.USER)
    assert client.post(f"{PAGE}/device", params={"account": "alice"}).status_code == 403
    assert not upstream.devices


def test_a_code_is_shown_until_it_is_typed_in(client, upstream, settings, ledger) -> None:
    shown = client.post(f"{PAGE}/device", params={"account": "alice"})
    assert "USER0001" in shown.text
    assert 'http-equiv="refresh"' in shown.text
    assert "device-1" not in shown.text
    upstream.user_approves_devices = True
    shown = client.get(PAGE)
    assert ">Connected<" in shown.text
    assert 'http-equiv="refresh"' not in shown.text
    assert access_token(settings, ledger).get_secret_value().startswith("access-")


def test_a_denied_code_is_said_and_not_asked_for_again(client, upstream) -> None:
    client.post(f"{PAGE}/device", params={"account": "alice"})
    for device in upstream.devices.values():
        device.answer = "denied"
    assert "denied" in client.get(PAGE).text
    asked = upstream.requests["/oauth/device/token"]
    client.get(PAGE)
    assert upstream.requests["/oauth/device/token"] == asked


def test_an_authorization_connects_the_account(client, settings, ledger) -> None:
    back = begin(client)
    answer = client.get(str(back))
    assert ">Connected<" in answer.text
    assert access_token(settings, ledger).get_secret_value().startswith("access-")


def test_a_state_is_good_for_one_use(client, upstream) -> None:
    back = begin(client)
    client.get(str(back))
    answer = client.get(str(back))
    assert answer.status_code == 400
    assert "was used already" in answer.text
    assert upstream.requests["/oauth/token"] == 1


def test_a_state_is_bound_to_the_browser_that_began(client, upstream, settings, ledger) -> None:
    back = begin(client)
    client.cookies.clear()
    assert client.get(str(back)).status_code == 400
    assert upstream.requests["/oauth/token"] == 0
    with pytest.raises(NotConnectedError):
        access_token(settings, ledger)


def test_a_state_of_somebody_else_is_refused(client, upstream) -> None:
    begin(client)
    answer = client.get(f"{PAGE}/callback", params={"state": "made-up", "code": "stolen"})
    assert answer.status_code == 400
    assert upstream.requests["/oauth/token"] == 0


def test_a_state_expires(settings, ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    authorizations = Authorizations(ledger, load_key(settings.home))
    begun = authorizations.begin("trakt", "alice")
    monkeypatch.setattr(authorization, "utc_now", lambda: utc_now() + timedelta(minutes=11))
    with pytest.raises(StateRejectedError):
        authorizations.redeem("trakt", begun.state, begun.browser)


def test_another_browser_uses_nothing_up(settings, ledger) -> None:
    authorizations = Authorizations(ledger, load_key(settings.home))
    begun = authorizations.begin("bangumi", "alice")
    for browser in ("", "another"):
        with pytest.raises(StateRejectedError):
            authorizations.redeem("bangumi", begun.state, browser)
    assert authorizations.redeem("bangumi", begun.state, begun.browser) == "alice"
    with pytest.raises(StateRejectedError):
        authorizations.redeem("bangumi", begun.state, begun.browser)


def test_a_denial_at_trakt_is_shown(client, upstream) -> None:
    upstream.user_agrees = False
    back = begin(client)
    assert "code" not in parse_qs(urlsplit(str(back)).query)
    answer = client.get(str(back))
    assert answer.status_code == 400
    assert "denied" in answer.text


def test_a_code_that_trakt_refuses_is_shown_without_secrets(client, upstream) -> None:
    back = begin(client)
    upstream.codes.clear()
    answer = client.get(str(back))
    assert answer.status_code == 400
    assert "invalid_grant" in answer.text
    assert "trakt-client-secret" not in answer.text


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client) -> None:
    answer = client.get(f"{PAGE}/start", params={"account": "alice"}, follow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert f"Path={PAGE}" in cookie
    assert "state=" in answer.headers["location"]


def test_another_site_cannot_begin(client, upstream) -> None:
    answer = client.post(
        f"{PAGE}/device", params={"account": "alice"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert not upstream.devices


@pytest.mark.parametrize("address", ["device", "start"])
def test_an_unknown_account_is_refused(client, address: str) -> None:
    send = client.post if address == "device" else client.get
    answer = send(f"{PAGE}/{address}", params={"account": "<script>"})
    assert answer.status_code == 400
    assert "<script>" not in answer.text


def test_an_outage_of_trakt_is_shown(client, upstream) -> None:
    upstream.fail(503, "/oauth/device/code")
    answer = client.post(f"{PAGE}/device", params={"account": "alice"})
    assert answer.status_code == 400
    assert "503" in answer.text


def bangumi_token(settings: Settings, ledger: Ledger) -> SecretStr:
    key = load_key(settings.home)
    return bangumi_keeper(ledger, key, settings.bangumi, "alice").access_token()


def test_bangumi_is_connected_in_the_browser(client, settings, ledger) -> None:
    assert "Connect with a code" not in client.get(BANGUMI_PAGE).text
    answer = client.get(str(begin(client, BANGUMI_PAGE)))
    assert ">Connected<" in answer.text
    assert bangumi_token(settings, ledger) == SecretStr("bangumi-access-2")


def test_a_personal_token_is_said_to_be_used_until_the_account_is_connected(client) -> None:
    assert client.get(BANGUMI_PAGE).text.count("Its personal token is used.") == 1
    assert "a-personal-token" not in client.get(BANGUMI_PAGE).text
    address = f"{BANGUMI_PAGE}/start"
    answer = client.get(address, params={"account": "bob"}, follow_redirects=False)
    client.get(httpx.get(answer.headers["location"]).headers["location"])
    assert "Its personal token is used." not in client.get(BANGUMI_PAGE).text


def test_a_code_of_bangumi_that_came_too_late_connects_nothing(client, bangumi) -> None:
    back = begin(client, BANGUMI_PAGE)
    bangumi.clock = lambda: utc_now().timestamp() + 61
    answer = client.get(str(back))
    assert answer.status_code == 400
    assert "invalid_grant" in answer.text
    assert CLIENT_SECRET not in answer.text


def test_an_authorization_of_one_provider_is_none_of_another(client, bangumi) -> None:
    back = begin(client)
    answer = client.get(f"{BANGUMI_PAGE}/callback", params=dict(back.params))
    assert answer.status_code == 400
    assert bangumi.requests["/oauth/access_token"] == 0


def test_a_denial_at_bangumi_is_shown(client, bangumi) -> None:
    bangumi.user_agrees = False
    answer = client.get(str(begin(client, BANGUMI_PAGE)))
    assert answer.status_code == 400
    assert "denied at Bangumi" in answer.text


def test_bangumi_has_no_codes_to_type_in(client) -> None:
    answer = client.post(f"{BANGUMI_PAGE}/device", params={"account": "alice"})
    assert answer.status_code == 400
    assert "Connect in this browser" in answer.text


def test_an_unknown_provider_has_no_page(client) -> None:
    assert client.get("/oauth/pixiv").status_code == 422
