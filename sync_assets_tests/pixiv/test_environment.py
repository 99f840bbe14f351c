"""What gallery-dl learns of the environment: what a program needs, and no secret."""

from dataclasses import replace
from pathlib import Path

import pytest

from sync_assets.pixiv.account import Account
from sync_assets.pixiv.gallery_dl import new_run_directory, run_gallery_dl


def test_gallery_dl_gets_what_a_program_needs_and_no_secret(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, seen = tmp_path / "gallery-dl", tmp_path / "seen"
    program.write_text(f"#!/bin/sh\nenv > {seen}\n")
    program.chmod(0o700)
    handed_on = {
        "https_proxy": "http://proxy:1",
        "NO_PROXY": "nas",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    kept = {
        "SYNC_TELEGRAM__PROXY": "http://user:secret@proxy:1",
        "SYNC_TELEGRAM__BOT_TOKEN": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "DAGSTER_HOME": "/somewhere",
    }
    for name, value in (handed_on | kept).items():
        monkeypatch.setenv(name, value)
    own = replace(account, gallery_dl=program, environment={"OWN": "1"})
    run_gallery_dl(own, new_run_directory(own), {}, [])
    lines = set(seen.read_text().splitlines())
    assert {f"{name}={value}" for name, value in handed_on.items()} | {"OWN=1"} <= lines
    assert not [line for line in lines if line.partition("=")[0] in kept or "secret" in line]
