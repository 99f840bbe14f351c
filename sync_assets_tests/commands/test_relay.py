"""`scripts/relay`: see and steer downloads while nothing runs, and run them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_assets.commands.relay import main
from sync_assets.errors import SyncError
from sync_assets_tests.upstreams.origin import OriginServer

CONTENT = b"film" * 10_000


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OriginServer]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SYNC_RELAY__DISK_FREE_THRESHOLD_BYTES", "0")
    with OriginServer() as running:
        yield running


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    capsys.readouterr()
    assert main(["list", "--json", *arguments]) == 0
    return {each["file"]: each["state"] for each in json.loads(capsys.readouterr().out)}


def test_a_link_is_added_steered_and_downloaded(
    origin: OriginServer, capsys: pytest.CaptureFixture[str]
) -> None:
    links = [origin.add(f"/{name}.mkv", CONTENT) for name in ("a", "b")]
    assert main(["add", *links]) == 0
    assert main(["pause", "1"]) == 0
    assert main(["cancel", "2"]) == 0
    assert listed(capsys) == {"a.mkv": "paused"}
    assert listed(capsys, "--state", "cancelled") == {"b.mkv": "cancelled"}
    assert main(["resume", "1"]) == 0
    assert main(["retry", "2"]) == 0
    assert listed(capsys) == {"a.mkv": "pending", "b.mkv": "pending"}
    assert main(["run", "--seconds", "20"]) == 0
    assert "2 completed, 0 failed" in capsys.readouterr().out
    assert listed(capsys, "--state", "completed") == {"a.mkv": "completed", "b.mkv": "completed"}


def test_uploads_are_seen_and_steered(
    origin: OriginServer,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "rclone.conf").write_text(f"[drive]\ntype = alias\nremote = {tmp_path}\n")
    monkeypatch.setenv("SYNC_RELAY__TARGETS__CLOUD__KIND", "rclone")
    monkeypatch.setenv("SYNC_RELAY__TARGETS__CLOUD__REMOTE", "drive:cloud")
    monkeypatch.setenv("SYNC_RELAY__TARGETS__CLOUD__PATH", "{name}")
    monkeypatch.setenv("SYNC_RELAY__TARGETS__CLOUD__CONFIG_PATH", str(tmp_path / "rclone.conf"))
    assert main(["add", origin.add("/a.mkv", CONTENT)]) == 0
    assert main(["uploads", "add", "1", "cloud"]) == 0
    for command, state in (
        ("pause", "paused"),
        ("resume", "waiting_download"),
        ("cancel", "cancelled"),
        ("retry", "waiting_download"),
    ):
        assert main(["uploads", command, "1"]) == 0
        capsys.readouterr()
        assert main(["uploads", "list", "--json", "--state", state]) == 0
        (shown,) = json.loads(capsys.readouterr().out)
        assert (shown["target"], shown["state"]) == ("cloud", state)
    assert main(["run", "--seconds", "20"]) == 0
    assert "Uploads: 1 completed, 0 failed" in capsys.readouterr().out
    assert (tmp_path / "cloud" / "a.mkv").read_bytes() == CONTENT
    with pytest.raises(SyncError):
        main(["uploads", "retry", "1"])
    assert main(["uploads", "confirm", "1"]) == 0


def test_an_upload_without_a_name_is_shown_by_its_link(
    origin: OriginServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNC_RELAY__TARGETS__CLOUD__KIND", "rclone")
    monkeypatch.setenv("SYNC_RELAY__TARGETS__CLOUD__REMOTE", "drive:cloud")
    link = origin.add("/film.torrent", CONTENT)
    assert main(["add", link]) == 0
    assert main(["uploads", "add", "1", "cloud"]) == 0
    capsys.readouterr()
    assert main(["uploads", "list", "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown["file"] == link


@pytest.mark.parametrize("command", [["pause", "99"], ["add", "ftp://host/a"]])
def test_what_is_not_possible_says_what_to_do(origin: OriginServer, command: list[str]) -> None:
    with pytest.raises(SyncError, match="What to do:"):
        main(command)
