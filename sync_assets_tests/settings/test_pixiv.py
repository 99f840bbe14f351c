"""The configuration of Pixiv accounts."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from sync_assets.settings import Settings
from sync_assets.settings.pixiv import PixivSettings

DIRECTORY = Path("/downloads/of/both")
ARCHIVE = Path("/state/archive.sqlite3")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"archive_path": ARCHIVE}, {"archive_path": ARCHIVE}),
        ({"download_directory": DIRECTORY}, {"download_directory": DIRECTORY / "x" / ".."}),
        ({}, {"download_directory": Path("/downloads/first")}),
    ],
    ids=["archive", "folder", "the other's usual folder"],
)
def test_two_accounts_do_not_share_a_path(first: dict[str, Path], second: dict[str, Path]) -> None:
    common = {"user_id": 7, "refresh_token": "a token"}
    accounts = {"first": {**common, **first}, "second": {**common, **second}}
    with pytest.raises(ValidationError, match="'first' and 'second' must not share"):
        PixivSettings(accounts=accounts, download_directory=Path("/downloads"))
    accounts["second"] = common
    assert PixivSettings(accounts=accounts, download_directory=Path("/downloads"))


def test_chats_of_an_account_are_chats_and_have_a_bot() -> None:
    account = {"user_id": 7, "refresh_token": "a token", "chat_ids": ("@channel",)}
    pixiv = {"accounts": {"first": account}}
    with pytest.raises(ValidationError, match=r"pixiv.accounts.first.chat_ids needs telegram"):
        Settings(pixiv=pixiv)
    assert Settings(pixiv=pixiv, telegram={"bot_token": "1:a"})
    account["chat_ids"] = ("https://t.me/channel",)
    with pytest.raises(ValidationError, match="@channel"):
        Settings(pixiv=pixiv, telegram={"bot_token": "1:a"})
