"""`scripts/connect`: the device flow of Trakt, and Bangumi's codes, from the command line."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from sync_assets.bangumi.oauth import token_keeper as bangumi_keeper
from sync_assets.commands.connect import main
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.secrets import load_key
from sync_assets.oauth import ConnectAgainError
from sync_assets.settings import load_settings
from sync_assets.trakt.oauth import token_keeper
from sync_assets_tests.support.bangumi import running_oauth
from sync_assets_tests.support.trakt import configuration, running_trakt
from sync_assets_tests.upstreams.bangumi_oauth import CLIENT_ID, CLIENT_SECRET, BangumiOAuth
from sync_assets_tests.upstreams.trakt import TraktUpstream


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TraktUpstream]:
    with running_trakt() as running:
        # Too short for a clock: what follows would otherwise wait for seconds.
        running.device_interval = 0
        (tmp_path / "sync.toml").write_text('home = "home"\n' + configuration(running))
        monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
        yield running


def device_is(upstream: TraktUpstream, answer: str | int) -> Callable[[float], None]:
    """Let the user answer while the command waits for the first time."""

    def sleep(_: float) -> None:
        (device,) = upstream.devices.values()
        device.answer = answer
        device.polled_at = 0

    return sleep


def access_token() -> SecretStr:
    settings = load_settings()
    ledger = Ledger.open(settings.ledger_url)
    try:
        keeper = token_keeper(ledger, load_key(settings.home), settings.trakt, "alice")
        return keeper.access_token()
    finally:
        ledger.close()


def test_the_code_is_shown_and_the_account_connected(
    upstream: TraktUpstream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trakt"], sleep=device_is(upstream, "approved")) == 0
    shown = capsys.readouterr().out
    assert "https://trakt.tv/activate" in shown
    assert "USER0001" in shown
    assert "alice is connected" in shown
    assert "access" not in shown
    assert access_token() == SecretStr("access-2")


@pytest.mark.parametrize(("status", "words"), [(404, "not know"), (409, "used"), (410, "expired")])
def test_a_code_that_leads_nowhere_ends_the_command(
    upstream: TraktUpstream, status: int, words: str
) -> None:
    upstream.fail(status, "/oauth/device/token")
    with pytest.raises(SyncError, match=words):
        main(["trakt", "alice"], sleep=lambda _: None)


def test_a_denial_ends_the_command(upstream: TraktUpstream) -> None:
    with pytest.raises(SyncError, match="denied"):
        main(["trakt", "alice"], sleep=device_is(upstream, "denied"))


def test_being_told_to_slow_down_makes_the_pauses_longer(upstream: TraktUpstream) -> None:
    upstream.fail(429, "/oauth/device/token")
    pauses = []

    class StopError(Exception):
        pass

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        raise StopError

    with pytest.raises(StopError):
        main(["trakt", "alice"], sleep=sleep)
    assert pauses == [5]


@pytest.mark.parametrize("fault", [503, "reset"])
def test_an_outage_while_waiting_does_no_harm(upstream: TraktUpstream, fault: str | int) -> None:
    upstream.fail(fault, "/oauth/device/token")
    assert main(["trakt", "alice"], sleep=device_is(upstream, "approved")) == 0


def test_an_account_that_is_not_configured_is_refused(upstream: TraktUpstream) -> None:
    with pytest.raises(SyncError, match="Name one of: alice"):
        main(["trakt", "carol"])
    assert upstream.requests.total() == 0


def test_removing_revokes_at_trakt_and_forgets(upstream: TraktUpstream) -> None:
    main(["trakt"], sleep=device_is(upstream, "approved"))
    assert main(["trakt", "--remove"]) == 0
    assert upstream.grants[-1].is_revoked
    with pytest.raises(ConnectAgainError, match="disconnected"):
        access_token()


@pytest.fixture
def bangumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BangumiOAuth]:
    with running_oauth() as running:
        (tmp_path / "sync.toml").write_text(
            f'home = "home"\n[bangumi]\nclient_id = "{CLIENT_ID}"\n'
            f'client_secret = "{CLIENT_SECRET}"\noauth_url = "{running.url}"\n'
            "[bangumi.accounts.alice]\n"
        )
        monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
        yield running


def bangumi_token() -> SecretStr:
    settings = load_settings()
    ledger = Ledger.open(settings.ledger_url)
    try:
        keeper = bangumi_keeper(ledger, load_key(settings.home), settings.bangumi, "alice")
        return keeper.access_token()
    finally:
        ledger.close()


def browser(capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Open the address that is shown, agree, and paste where the browser was led."""

    def ask(_: str) -> str:
        address = capsys.readouterr().out.split()[1]
        return f" {httpx.get(address).headers['location']}\n"

    return ask


def test_bangumi_is_connected_with_the_address_that_the_browser_was_led_to(
    bangumi: BangumiOAuth, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bangumi"], ask=browser(capsys)) == 0
    shown = capsys.readouterr().out
    assert "Bangumi account alice is connected" in shown
    assert bangumi_token() == SecretStr("bangumi-access-2")
    assert main(["bangumi", "--remove"]) == 0
    assert "ends by itself" in capsys.readouterr().out
    with pytest.raises(ConnectAgainError, match="disconnected"):
        bangumi_token()


@pytest.mark.parametrize(
    "pasted", ["", "no address", "http://127.0.0.1/?code=stolen&state=made-up"]
)
def test_an_address_that_is_not_the_answer_connects_nothing(
    bangumi: BangumiOAuth, pasted: str
) -> None:
    with pytest.raises(SyncError, match="not begun"):
        main(["bangumi"], ask=lambda _: pasted)
    assert bangumi.requests["/oauth/access_token"] == 0


def test_a_denial_at_bangumi_ends_the_command(
    bangumi: BangumiOAuth, capsys: pytest.CaptureFixture[str]
) -> None:
    bangumi.user_agrees = False
    with pytest.raises(SyncError, match="denied at Bangumi"):
        main(["bangumi"], ask=browser(capsys))


def test_bangumi_without_an_app_says_where_to_make_one(
    bangumi: BangumiOAuth, tmp_path: Path
) -> None:
    (tmp_path / "sync.toml").write_text('home = "home"\n[bangumi.accounts.alice]\n')
    with pytest.raises(SyncError, match=r"bgm\.tv/dev/app"):
        main(["bangumi"])
    assert bangumi.requests.total() == 0
