"""An aria2 that runs already and has a session brings tasks back; what nobody wants is removed."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sync_assets.ledger import Ledger
from sync_assets.relay import downloads, media, uploads
from sync_assets.relay.aria2.source import RunningAria2
from sync_assets.relay.engine import examining
from sync_assets.relay.engine.downloading import Downloader
from sync_assets_tests.ops.waiting import wait_until
from sync_assets_tests.relay.media import link_medium
from sync_assets_tests.relay.own_aria2 import OwnAria2
from sync_assets_tests.upstreams.origin import OriginServer

CONTENT = b"film" * 25_000
SLOW = 100_000
FOREIGN = "0123456789abcdef"


def worker(own_aria2: OwnAria2, ledger: Ledger) -> Downloader:
    source = RunningAria2(own_aria2.settings)
    settings = own_aria2.settings
    return Downloader(settings, ledger, source, gateway=None, guards={}, run_id="a run")


@pytest.mark.parametrize("has_other_work", [True, False])
def test_a_task_that_comes_back_after_its_file_was_removed_is_removed_with_what_it_fetched(
    own_aria2: OwnAria2, sqlite_ledger: Ledger, origin: OriginServer, has_other_work: bool
) -> None:
    root = own_aria2.settings.download_directory
    with sqlite_ledger.write() as connection:
        link = origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW)
        download_id = downloads.create(connection, media.add_medium(connection, link_medium(link)))
        gid = downloads.get(connection, download_id).gid
    with worker(own_aria2, sqlite_ledger) as downloader:
        while not own_aria2.has(gid):
            downloader.step()
        foreign = {"gid": FOREIGN, "dir": str(root / "foreign"), "pause": "true"}
        own_aria2.client().call("aria2.addUri", [link], foreign)
        own_aria2.client().call("aria2.saveSession")
        downloader.run(seconds=60)
    with sqlite_ledger.write() as connection:
        assert downloads.get(connection, download_id).state == "completed"
        uploads.mark_cleaned(connection, [download_id], run_id=None)
        if has_other_work:
            other = link_medium(origin.add("/other.mkv", CONTENT))
            downloads.create(connection, media.add_medium(connection, other))
    Path(root / gid / "film.mkv").unlink()
    (root / gid).rmdir()
    own_aria2.kill()
    own_aria2.start()
    wait_until((root / gid / "film.mkv").exists, "the task has come back")
    with worker(own_aria2, sqlite_ledger) as downloader:
        downloader.run(seconds=60)
    assert not own_aria2.has(gid)
    assert not (root / gid).exists()
    assert own_aria2.has(FOREIGN)


def test_what_was_fetched_again_before_anybody_looked_is_removed(
    own_aria2: OwnAria2, sqlite_ledger: Ledger, origin: OriginServer
) -> None:
    root = own_aria2.settings.download_directory
    ids, gids = [], []
    with sqlite_ledger.write() as connection:
        for name in ("removed", "kept"):
            link = link_medium(origin.add(f"/{name}.mkv", CONTENT))
            ids.append(downloads.create(connection, media.add_medium(connection, link)))
            gids.append(downloads.get(connection, ids[-1]).gid)
    with worker(own_aria2, sqlite_ledger) as downloader:
        downloader.run(seconds=60)
    with sqlite_ledger.write() as connection:
        uploads.mark_cleaned(connection, ids[:1], run_id=None)
    (root / "somebody's").mkdir()
    own_aria2.kill()
    own_aria2.start()
    with worker(own_aria2, sqlite_ledger) as downloader:
        downloader.run(seconds=60)
    assert sorted(path.name for path in root.iterdir()) == sorted((gids[1], "somebody's"))


def test_a_task_that_comes_back_while_its_file_is_examined_is_not_left_behind(
    own_aria2: OwnAria2,
    sqlite_ledger: Ledger,
    origin: OriginServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with sqlite_ledger.write() as connection:
        link = origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW)
        download_id = downloads.create(connection, media.add_medium(connection, link_medium(link)))
        gid = downloads.get(connection, download_id).gid
    is_back = threading.Event()
    monkeypatch.setattr(examining, "verify", _after(is_back, examining.verify))
    with worker(own_aria2, sqlite_ledger) as downloader:
        while not own_aria2.has(gid):
            downloader.step()
        own_aria2.client().call("aria2.saveSession")
        while not downloader._examiner.is_busy:
            downloader.step()
        own_aria2.kill()
        own_aria2.start()
        assert own_aria2.has(gid)
        downloader.step()
        is_back.set()
        downloader.run(seconds=60)
    with sqlite_ledger.read() as connection:
        row = downloads.get(connection, download_id)
    assert (row.state, row.attempts) == ("completed", 0)
    assert Path(row.path).read_bytes() == CONTENT
    assert not own_aria2.has(gid)


def _after(event: threading.Event, do: Callable[..., Any]) -> Callable[..., Any]:
    def wait_and_do(*arguments: Any) -> Any:
        assert event.wait(60)
        return do(*arguments)

    return wait_and_do
