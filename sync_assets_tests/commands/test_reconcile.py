"""`scripts/reconcile relay` as a user runs it."""

import json
from pathlib import Path

import pytest

from sync_assets.commands import reconcile


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SYNC_RELAY__DOWNLOAD_DIRECTORY", str(tmp_path / "downloads"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "downloads"


@pytest.mark.usefixtures("downloads")
def test_it_exits_with_0_where_everything_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    assert reconcile.main(["relay", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_it_prints_what_is_left_and_exits_with_1(
    downloads: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (downloads / "mine").mkdir(parents=True)
    assert reconcile.main(["relay", "--fix", "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["difference"], found["can_be_fixed"]) == ("folder_unknown", False)
    assert reconcile.main(["relay"]) == 1
    assert str(downloads / "mine") in capsys.readouterr().out
