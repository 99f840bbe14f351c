"""Moving in: an existing gallery-dl folder and archive are taken over without a download."""

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from sync_assets.commands.pixiv_adopt import main
from sync_assets.errors import SyncError
from sync_assets.pixiv.account import Account
from sync_assets.pixiv.models import WorkState
from sync_assets.settings import Settings
from sync_assets_tests.pixiv.rounds import Rounds
from sync_assets_tests.upstreams.pixiv import PixivStandIn, Work
from sync_assets_tests.upstreams.pixiv.server import REFRESH_TOKEN, USER_ID


@pytest.fixture
def _configuration(tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sync.toml").write_text(
        f'home = "home"\n[pixiv]\ndownload_directory = "downloads"\n[pixiv.accounts.main]\n'
        f'user_id = {USER_ID}\nrefresh_token = "{REFRESH_TOKEN}"\n'
    )
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))


def old_download(account: Account, work: Work, names: list[str]) -> None:
    """Lay files down as gallery-dl's own formats do."""
    folder = account.download_directory / "pixiv" / "11 artist"
    folder.mkdir(parents=True, exist_ok=True)
    addresses = [work.zip_url("1920x1080")] if work.kind == "ugoira" else []
    addresses = addresses or [work.page_url(page) for page in range(work.pages)]
    for name, address in zip(names, addresses, strict=False):
        (folder / name).write_bytes(work.files()[address])


@pytest.mark.usefixtures("_configuration")
def test_files_and_archive_are_taken_over_after_a_dry_run(
    rounds: Rounds, pixiv: PixivStandIn, account: Account, tmp_path: Path, capsys
) -> None:
    two, ugoira, lost, partial = (
        Work(21, pages=2),
        Work(22, kind="ugoira", delays=(40, 40)),
        Work(23, pages=2),
        Work(24, pages=2),
    )
    pixiv.public = [two, ugoira, lost, partial, Work(25)]
    with pytest.raises(SyncError, match="pixiv/bookmarks"):
        main(["main"])
    rounds.bookmarks()
    old_download(account, two, ["21_p0.png", "21_p1.png"])
    old_download(account, ugoira, ["22_p0.zip"])
    old_download(account, partial, ["24_p0.png"])
    old_download(account, Work(99), ["99_p0.png"])
    (account.download_directory / "pixiv" / "25_p0.png").write_bytes(b"torn")
    archive = tmp_path / "old.sqlite3"
    with sqlite3.connect(archive) as connection:
        connection.execute("CREATE TABLE archive (entry TEXT PRIMARY KEY) WITHOUT ROWID")
        connection.executemany(
            "INSERT INTO archive VALUES (?)",
            [("pixivf_7_230.png",), ("pixiv23_p01.png",), ("pixivf_7_210.png",), ("other1",)],
        )
    disk = rounds.on_disk()
    assert main(["main", "--archive", str(archive)]) == 0
    assert rounds.verified() == []
    assert main(["main", "--archive", str(archive), "--apply"]) == 0
    said = capsys.readouterr().out
    assert "4 files are whole" in said
    assert "3 works will need nothing more" in said
    assert "1 files are of no bookmarked work" in said
    assert "25_p0.png" in said
    assert rounds.on_disk() == disk
    states = {work_id: work.state for work_id, work in rounds.works().items()}
    assert [work_id for work_id in states if states[work_id] is WorkState.COMPLETE] == [21, 22, 23]
    rounds.run()
    fetched = {url.rpartition("/")[2] for url, _ in pixiv.image_requests}
    assert fetched == {"24_p1.png", "25_p0.png"}
    assert {key[0] for key in rounds.outbox.posts} == {24, 25}
    assert rounds.animations().numbers["skipped"] == 1


@pytest.mark.usefixtures("_configuration")
def test_what_is_gone_from_the_disk_is_downloaded_again_when_asked(
    rounds: Rounds, pixiv: PixivStandIn, account: Account, capsys
) -> None:
    pixiv.public = [Work(1), Work(2)]
    rounds.run()
    disk = rounds.on_disk()
    (account.download_directory / next(iter(disk))).unlink()
    rounds.run()
    assert len(rounds.on_disk()) == 1
    assert main(["main", "--recheck"]) == 0
    assert main(["main", "--recheck", "--apply"]) == 0
    assert "1 of 2 files are not on the disk" in capsys.readouterr().out
    rounds.run()
    assert rounds.on_disk() == disk


def test_an_account_that_is_not_configured_is_named(
    pixiv_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SyncError, match="no Pixiv account 'nobody'"):
        main(["nobody"])


@pytest.mark.usefixtures("_configuration")
def test_links_and_names_that_are_not_utf8_are_dealt_with(
    rounds: Rounds, pixiv: PixivStandIn, account: Account, tmp_path: Path, capsys
) -> None:
    linked, misnamed = Work(31), Work(32)
    pixiv.public = [linked, misnamed]
    rounds.bookmarks()
    old_download(account, linked, ["31_p0.png"])
    folder = account.download_directory / "pixiv" / "11 artist"
    outside = tmp_path / "another disk.png"
    (folder / "31_p0.png").rename(outside)
    (folder / "31_p0.png").symlink_to(outside)
    name = os.fsdecode("絵 32_p0.png".encode("shift_jis"))
    (folder / name).write_bytes(misnamed.files()[misnamed.page_url(0)])
    assert main(["main", "--apply"]) == 0
    assert "not UTF-8" in capsys.readouterr().out
    assert rounds.works()[31].state is WorkState.COMPLETE
    assert rounds.works()[32].state is WorkState.WANTED


@pytest.mark.usefixtures("_configuration")
def test_what_is_no_archive_is_named_and_left_as_it_is(
    rounds: Rounds, pixiv: PixivStandIn, account: Account, tmp_path: Path, capsys
) -> None:
    pixiv.public = [Work(31)]
    rounds.run()
    other = tmp_path / "other.sqlite3"
    with contextlib.closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
        connection.commit()
    before = other.read_bytes()
    with pytest.raises(SyncError, match=r"other\.sqlite3"):
        main(["main", "--archive", str(other)])
    assert other.read_bytes() == before
