"""Fixtures of the Pixiv domain: the stand-in, an account, and rounds with the real gallery-dl."""

import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.pixiv.account import Account, open_account
from sync_assets.settings import Settings
from sync_assets_tests.pixiv.rounds import Rounds
from sync_assets_tests.upstreams.pixiv import PixivStandIn
from sync_assets_tests.upstreams.pixiv.server import REFRESH_TOKEN, USER_ID

GALLERY_DL = Path(sysconfig.get_path("scripts")) / "gallery-dl"


@pytest.fixture
def pixiv() -> Iterator[PixivStandIn]:
    with PixivStandIn() as server:
        yield server


@pytest.fixture
def pixiv_settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home",
        pixiv={
            "accounts": {"main": {"user_id": USER_ID, "refresh_token": REFRESH_TOKEN}},
            "download_directory": tmp_path / "downloads",
            "sleep_request": 0,
            "sleep_429": 0.01,
            "retries": 0,
            "backoff_initial_seconds": 0,
            "timeout_seconds": 30,
            "disk_free_threshold_bytes": 0,
        },
    )


@pytest.fixture
def account(pixiv: PixivStandIn, pixiv_settings: Settings, tmp_path: Path) -> Account:
    opened = open_account(pixiv_settings, "main", gallery_dl=GALLERY_DL)
    return replace(opened, environment=pixiv.environment(tmp_path))


@pytest.fixture
def rounds(account: Account, sqlite_ledger: Ledger, tmp_path: Path) -> Rounds:
    return Rounds(account, sqlite_ledger, Lake(tmp_path / "home" / "lake"))
