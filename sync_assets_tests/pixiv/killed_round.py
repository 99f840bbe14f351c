"""A round in a process of its own, to be killed: `python -m … HOME DOWNLOADS GALLERY_DL`."""

import sys
from pathlib import Path

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.pixiv.account import lease_name, open_account
from sync_assets.pixiv.pipeline import Round, download_files, make_animations, sync_bookmarks
from sync_assets.pixiv.posting import telegram_announcer
from sync_assets.settings import Settings
from sync_assets_tests.upstreams.pixiv.server import REFRESH_TOKEN, USER_ID


def round_settings(home: Path, downloads: Path) -> Settings:
    return Settings(
        home=home,
        telegram={"bot_token": "1:test", "chat_ids": ("@somewhere",)},
        pixiv={
            "accounts": {"main": {"user_id": USER_ID, "refresh_token": REFRESH_TOKEN}},
            "download_directory": downloads,
            "sleep_request": 0,
            "sleep_429": 0.01,
            "retries": 0,
            "backoff_initial_seconds": 0,
            "disk_free_threshold_bytes": 0,
            "maximum_attempts": 100,
        },
    )


def main() -> None:
    home, downloads, gallery_dl = map(Path, sys.argv[1:])
    settings = round_settings(home, downloads)
    ledger = Ledger.open(settings.ledger_url)
    with hold_lease(ledger, lease_name("main"), purpose="a test", wait_seconds=10):
        account = open_account(settings, "main", gallery_dl=gallery_dl)
        this = Round(account, ledger, Lake(home / "lake"), telegram_announcer(settings))
        for stage in (sync_bookmarks, download_files, make_animations):
            stage(this)
    ledger.close()


if __name__ == "__main__":
    main()
