"""Programs are found, and one that cannot be used says so before it is needed."""

from pathlib import Path

import pytest

from sync_assets.errors import SyncError
from sync_assets.ops.tools import TOOLS, tool_path, tool_version
from sync_assets.settings import load_settings


def program(path: Path, content: str, mode: int = 0o755) -> Path:
    path.write_text(f"#!/bin/sh\n{content}\n", encoding="utf-8")
    path.chmod(mode)
    return path


def configured(monkeypatch, path: Path):
    monkeypatch.setenv("SYNC_TOOLS__ARIA2C", str(path))
    return load_settings()


@pytest.mark.parametrize("name", list(TOOLS))
def test_the_installed_programs_work(settings, name):
    path = tool_path(settings, name)
    assert path == TOOLS[name].installed
    assert tool_version(name, path)


def test_a_configured_program_wins(tmp_path, monkeypatch):
    path = program(tmp_path / "other", "echo aria2 version 1.37.0")
    assert tool_path(configured(monkeypatch, path), "aria2c") == path


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        ("echo aria2 version 1.18.2", 0o755, r"is version 1\.18\.2; at least 1\.36 is needed"),
        ("echo hello", 0o755, "does not answer `--version` as aria2c does"),
        ("exit 3", 0o755, "does not answer"),
        ("", 0o644, "cannot be executed: Permission denied"),
    ],
)
def test_a_program_that_cannot_be_used_is_explained(tmp_path, monkeypatch, content, mode, message):
    settings = configured(monkeypatch, program(tmp_path / "wrong", content, mode))
    with pytest.raises(SyncError, match=message) as caught:
        tool_path(settings, "aria2c")
    assert "tools.aria2c" in caught.value.remedy


def test_a_missing_program_is_explained(tmp_path, monkeypatch):
    with pytest.raises(SyncError, match="cannot be executed: No such file"):
        tool_path(configured(monkeypatch, tmp_path / "none"), "aria2c")
