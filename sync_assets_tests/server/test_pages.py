"""The frame of all pages: who may see them, what they load, and how errors are shown."""

import re
from datetime import timedelta

import pytest

from sync_assets.ledger.results import Result, ResultStatus, record_result
from sync_assets.ledger.tokens import Scope, create_token, revoke_token
from sync_assets.server import sign_in_attempts, token_verifier
from sync_assets.server.cookies import CookieSealer
from sync_assets.server.pages import access
from sync_assets.server.pages.sign_in import own_path
from sync_assets.server.sign_in_attempts import SignInAttempts
from sync_assets.settings import Settings

BROWSER = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Site": "same-origin"}
WRONG = "sync_000000000000_" + "A" * 43


@pytest.fixture
def settings(tmp_path):
    return Settings.model_validate({"home": tmp_path, "catalog": {"enabled": True}})


@pytest.fixture
def browser(client):
    client.headers.update(BROWSER)
    client.follow_redirects = False
    return client


def test_whoever_is_not_signed_in_is_led_to_the_sign_in_and_back(browser, ledger):
    answer = browser.get("/?day=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2F%3Fday%3D1"
    form = browser.get(answer.headers["location"])
    assert 'name="next" value="/?day=1"' in form.text
    with ledger.write() as connection:
        _, token = create_token(connection, "me", Scope.USER)
    answer = browser.post("/sign-in", data={"token": f" {token}\n", "next": "/?day=1"})
    assert answer.headers["location"] == "/?day=1"
    assert browser.get("/?day=1").status_code == 200


def test_a_program_gets_an_error_and_no_redirect(client):
    answer = client.get("/", follow_redirects=False)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthenticated"


def test_the_session_is_out_of_reach_of_scripts_and_holds_no_secret(browser, ledger):
    with ledger.write() as connection:
        token, plain_text = create_token(connection, "me", Scope.USER)
    cookie = browser.post("/sign-in", data={"token": plain_text}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert plain_text.split("_", 2)[2] not in cookie
    assert token.id not in cookie


def test_behind_a_proxy_with_tls_the_session_never_travels_in_the_clear(browser, ledger):
    with ledger.write() as connection:
        _, plain_text = create_token(connection, "me", Scope.USER)
    headers = {"Origin": "https://sync.example.org"}
    answer = browser.post("/sign-in", data={"token": plain_text}, headers=headers)
    assert "Secure" in answer.headers["set-cookie"]


def test_a_revoked_token_ends_its_sessions(browser, ledger, sign_in, monkeypatch):
    monkeypatch.setattr(token_verifier, "TRUSTED_SECONDS", 0.0)
    token_id = sign_in(Scope.USER)
    assert browser.get("/").status_code == 200
    with ledger.write() as connection:
        revoke_token(connection, token_id)
    assert browser.get("/").status_code == 303


def test_a_session_ends_by_itself(browser, sign_in, monkeypatch):
    sign_in(Scope.USER)
    monkeypatch.setattr(access, "SESSION_LIFETIME", timedelta(seconds=-1))
    assert browser.get("/").status_code == 303


def test_a_made_up_session_is_none(browser, ledger, settings):
    with ledger.write() as connection:
        token, _ = create_token(connection, "me", Scope.ADMIN)
    other = CookieSealer(settings.home / "elsewhere").seal(access.SESSION_COOKIE, token.id)
    message = CookieSealer(settings.home).seal("sync_message", token.id)
    for cookie in (token.id, other, message, ""):
        browser.cookies.set(access.SESSION_COOKIE, cookie)
        assert browser.get("/").status_code == 303
        browser.cookies.clear()


def test_signing_out_ends_the_session_and_says_so(browser, sign_in):
    sign_in(Scope.USER)
    answer = browser.post("/sign-out")
    assert answer.headers["location"] == "/sign-in"
    assert "You are signed out." in browser.get("/sign-in").text
    assert "You are signed out." not in browser.get("/sign-in").text
    assert browser.get("/").status_code == 303


@pytest.mark.parametrize("token", [WRONG, "", "x", "sync_\x00"])
def test_a_wrong_token_is_said_and_not_repeated(browser, token):
    answer = browser.post("/sign-in", data={"token": token})
    assert answer.status_code == 403
    assert "This token is not valid." in answer.text
    assert WRONG not in answer.text
    assert "set-cookie" not in answer.headers


def test_a_token_for_webhooks_opens_no_page(browser, ledger):
    with ledger.write() as connection:
        _, plain_text = create_token(connection, "radarr", Scope.INGEST)
    answer = browser.post("/sign-in", data={"token": plain_text})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_whoever_tries_many_wrong_tokens_has_to_wait(browser, ledger):
    with ledger.write() as connection:
        _, right = create_token(connection, "me", Scope.USER)
    for _ in range(sign_in_attempts.MAXIMUM_ATTEMPTS):
        assert browser.post("/sign-in", data={"token": WRONG}).status_code == 403
    answer = browser.post("/sign-in", data={"token": right})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= sign_in_attempts.PERIOD_SECONDS


def test_waiting_helps_and_others_need_not_wait():
    now = [0.0]
    attempts = SignInAttempts(lambda: now[0])
    for _ in range(sign_in_attempts.MAXIMUM_ATTEMPTS):
        attempts.count_wrong("10.0.0.1")
    assert attempts.wait_seconds("10.0.0.1") == sign_in_attempts.PERIOD_SECONDS
    assert attempts.wait_seconds("10.0.0.2") == 0
    now[0] = sign_in_attempts.PERIOD_SECONDS
    assert attempts.wait_seconds("10.0.0.1") == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {},
    ],
)
def test_a_change_that_another_site_sends_is_refused(client, sign_in, headers):
    sign_in(Scope.ADMIN)
    del client.headers["Sec-Fetch-Site"]
    for address in ("/sign-in", "/sign-out"):
        answer = client.post(address, data={"token": WRONG}, headers=headers)
        assert answer.status_code == 403
        assert "another site" in answer.json()["error"]["message"]
        assert "set-cookie" not in answer.headers


def test_over_plain_http_the_origin_tells_where_a_change_comes_from(client, sign_in):
    sign_in(Scope.USER)
    del client.headers["Sec-Fetch-Site"]
    headers = {"Origin": "http://testserver"}
    answer = client.post("/sign-out", headers=headers, follow_redirects=False)
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/review?show=1", "/review?show=1"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("/\t/elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_the_sign_in_leads_nowhere_else(path, expected):
    assert own_path(path) == expected


def test_the_api_takes_no_session(client, sign_in):
    sign_in(Scope.ADMIN)
    assert client.get("/api/events").status_code == 401


def test_a_page_loads_nothing_from_elsewhere_and_has_no_script_within(browser, sign_in):
    sign_in(Scope.USER)
    answer = browser.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert re.findall(r"<script[^>]*></script>", answer.text) == re.findall(
        r"<script.*?</script>", answer.text, re.DOTALL
    )
    assert not re.search(r"\s(style|on\w+)=", answer.text)
    loaded = re.findall(r'<(?:link|script|img)[^>]+(?:href|src)="([^"]+)"', answer.text)
    assert len(loaded) >= 4
    for address in loaded:
        assert address.startswith("/static/")
        file = browser.get(address)
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]


def test_a_file_of_another_version_or_outside_is_not_served(browser):
    address = re.findall(r'href="(/static/[^"]+\.css)"', browser.get("/sign-in").text)[0]
    digest = address.split("/")[2]
    for path in (
        address.replace(digest, "0" * 12),
        f"/static/{digest}/../rendering.py",
        f"/static/{digest}/%2e%2e/rendering.py",
        f"/static/{digest}/vendor/README.md",
    ):
        assert browser.get(path).status_code == 404


def test_the_overview_shows_each_domain_with_what_to_do(browser, sign_in, ledger):
    sign_in(Scope.USER)
    result = Result(
        "catalog",
        "anime",
        ResultStatus.DEGRADED,
        added=7,
        detail={"remedy": "Connect <alice> again."},
    )
    with ledger.write() as connection:
        record_result(connection, result)
    text = browser.get("/").text
    assert "Catalogue" in text
    assert "Degraded" in text
    assert "Connect &lt;alice&gt; again." in text
    assert "Not configured:" in text


def test_an_error_is_a_page_for_a_browser_and_a_message_for_htmx(browser):
    answer = browser.get("/nowhere")
    assert answer.status_code == 404
    assert "<h1>Not Found</h1>" in answer.text
    answer = browser.get("/nowhere", headers={"HX-Request": "true", "Accept": "*/*"})
    assert answer.status_code == 404
    assert answer.text.strip().startswith("<p")
    assert "<html" not in answer.text


def test_a_page_whose_session_ended_leads_to_the_sign_in_as_a_whole(browser):
    headers = {
        "Accept": "*/*",
        "HX-Request": "true",
        "HX-Current-URL": "http://testserver/review?show=1",
    }
    answer = browser.get("/overview/domains", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Freview%3Fshow%3D1"
    assert not answer.text
