"""`scripts/connect trakt`: the device flow from the command line."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from sync_assets.commands.connect import main
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.secrets import load_key
from sync_assets.oauth import ConnectAgainError
from sync_assets.settings import load_settings
from sync_assets.trakt.oauth import token_keeper
from sync_assets_tests.support.trakt import configuration, running_trakt
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
