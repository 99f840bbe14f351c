"""`scripts/notify`: a test message, and which address did not take it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync_assets.commands.notify import main
from sync_assets.errors import SyncError
from sync_assets_tests.upstreams.notification_receiver import NotificationReceiver


@pytest.fixture
def receiver() -> Iterator[NotificationReceiver]:
    with NotificationReceiver() as running:
        yield running


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def write(*urls: str) -> None:
        (tmp_path / "sync.toml").write_text(f"[notifications]\nurls = {list(urls)}\n")
        monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))

    return write


def test_every_address_gets_a_message(
    configure: Callable[..., None],
    receiver: NotificationReceiver,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(receiver.apprise_url, receiver.apprise_url)
    assert main([]) == 0
    assert len(receiver.messages) == 2
    assert "address 2: took the message" in capsys.readouterr().out


def test_an_address_that_takes_nothing_is_named_by_its_number_alone(
    configure: Callable[..., None],
    receiver: NotificationReceiver,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(receiver.apprise_url, "json://user:password@127.0.0.1:1")
    with pytest.raises(SyncError, match="1 of 2 addresses"):
        main([])
    shown = capsys.readouterr()
    assert "address 2: did not take the message" in shown.out
    assert "password" not in shown.out + shown.err


def test_no_address_says_where_to_put_one(configure: Callable[..., None]) -> None:
    configure()
    with pytest.raises(SyncError, match=r"notifications\.urls"):
        main([])
