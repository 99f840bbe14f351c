"""`scripts/telegram-posts`: what needs a decision, and the decisions."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from sync_assets.commands.telegram_posts import main
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import telegram_posts
from sync_assets_tests.telegram.works import make_work, queue_work, write_pages


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNC_HOME", str(tmp_path))
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    queue_work(opened, write_pages(tmp_path, "5", 3), work=make_work("5"))
    for state in ("sending", "unknown"):
        put(opened, state, 1, 2)
    for state in ("sending", "failed"):
        put(opened, state, 3)
    yield opened
    opened.close()


def put(ledger: Ledger, state: str, *ids: int) -> None:
    with ledger.write() as connection:
        where = telegram_posts.c.id.in_(ids)
        connection.execute(update(telegram_posts).where(where).values(state=state, reason="why"))


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[int, str]:
    assert main(["list", "--json", *arguments]) == 0
    return {each["id"]: each["state"] for each in json.loads(capsys.readouterr().out)}


def test_what_needs_a_decision_is_listed(ledger: Ledger, capsys) -> None:
    assert listed(capsys) == {1: "unknown", 2: "unknown", 3: "failed"}
    assert main(["list"]) == 0
    assert "unknown" in capsys.readouterr().out


def test_decisions_are_carried_out(ledger: Ledger, capsys) -> None:
    assert main(["resolve", "sent", "1"]) == 0
    assert main(["resolve", "resend", "2"]) == 0
    assert main(["retry"]) == 0
    capsys.readouterr()
    assert listed(capsys) == {}
    assert listed(capsys, "--state", "queued") == {2: "queued", 3: "queued"}


def test_what_is_not_unknown_is_refused_and_nothing_changes(ledger: Ledger, capsys) -> None:
    with pytest.raises(SyncError, match="Telegram post 3 is failed"):
        main(["resolve", "resend", "1", "3"])
    with pytest.raises(SyncError, match="no Telegram post 99"):
        main(["resolve", "sent", "99"])
    assert listed(capsys) == {1: "unknown", 2: "unknown", 3: "failed"}
