"""Downloads with the real aria2c: from a link to a verified file, and what users want meanwhile."""

import hashlib
import time
from pathlib import Path

import pytest

from sync_assets.ledger.events import read_events
from sync_assets.relay import downloads
from sync_assets.relay.growing_file import GrowingFile
from sync_assets.relay.models import DownloadState, ReasonCode
from sync_assets.relay.verification import Expected, Verified, verify
from sync_assets_tests.relay.conftest import Relay
from sync_assets_tests.upstreams.origin import OriginServer

CONTENT = bytes(range(256)) * 400
SLOW = 400_000


def test_a_link_becomes_a_verified_file(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add("/film.mkv", CONTENT))
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.media_state) == ("completed", "downloaded")
    assert Path(row.path).read_bytes() == CONTENT
    assert row.checksum == f"sha-256={hashlib.sha256(CONTENT).hexdigest()}"
    assert (row.completed_bytes, row.total_bytes, row.bytes_per_second) == (102_400, 102_400, 0)
    assert origin.count("/film.mkv") == 1


def test_every_change_of_state_is_in_the_history(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW))
    relay.run()
    with relay.ledger.read() as connection:
        history = read_events(connection, entity="relay_download", entity_id=str(download_id))
    states = [event.state for event in history]
    assert states == ["pending", "downloading", "completed"]
    assert [event.previous_state for event in history] == [None, *states[:-1]]


def test_many_links_are_downloaded_once_each(relay: Relay, origin: OriginServer) -> None:
    links = [origin.add(f"/{number}.bin", CONTENT) for number in range(60)]
    ids = [relay.add(link) for link in links]
    relay.run()
    assert {relay.row(each).state for each in ids} == {"completed"}
    assert len(origin.requests) == 60


def test_a_running_download_shows_its_progress(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW // 4))
    row = relay.run_until(download_id, lambda row: row.completed_bytes > 0)
    assert row.total_bytes == len(CONTENT)
    assert row.bytes_per_second > 0


def test_a_paused_download_goes_on_where_it_was(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW // 4))
    relay.run_until(download_id, lambda row: row.completed_bytes > 0)
    relay.wish(downloads.pause, download_id)
    relay.run_until(download_id, lambda row: row.command is None)
    relay.run(seconds=0.5)
    assert relay.row(download_id).state == DownloadState.PAUSED
    origin.resources["/film.mkv"].bytes_per_second = None
    relay.wish(downloads.resume, download_id)
    relay.run()
    assert relay.row(download_id).state == DownloadState.COMPLETED
    assert origin.requests[-1].first_byte > 0


def test_a_download_is_paused_and_resumed_while_nothing_runs(
    relay: Relay, origin: OriginServer
) -> None:
    download_id = relay.add(origin.add("/film.mkv", CONTENT))
    relay.wish(downloads.pause, download_id)
    relay.run()
    assert relay.row(download_id).state == DownloadState.PAUSED
    assert origin.requests == []
    relay.wish(downloads.resume, download_id)
    relay.run()
    assert relay.row(download_id).state == DownloadState.COMPLETED


def test_a_cancelled_download_leaves_nothing_on_disk(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW // 4))
    relay.run_until(download_id, lambda row: row.completed_bytes > 0)
    relay.wish(downloads.cancel, download_id)
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.command, row.media_state) == ("cancelled", None, "cancelled")
    assert list((relay.directory / "downloads").iterdir()) == []


def test_a_cancelled_download_can_be_had_after_all(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add("/film.mkv", CONTENT))
    relay.wish(downloads.cancel, download_id)
    relay.run()
    relay.wish(downloads.retry, download_id)
    relay.run()
    assert relay.row(download_id).state == DownloadState.COMPLETED


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "..",
        "a/b\\c",
        "\x00\x1b[31mred\n.mkv",
        "CON.mkv",
        "video.mkv.aria2",
        "名" * 300 + ".mkv",
        ".hidden",
        "a\u202egpj.exe",
        "",
    ],
)
def test_a_hostile_name_stays_in_the_downloads_own_folder(
    relay: Relay, origin: OriginServer, name: str
) -> None:
    download_id = relay.add(origin.add("/x", CONTENT), name=name)
    relay.run()
    row = relay.row(download_id)
    assert row.state == DownloadState.COMPLETED
    assert Path(row.path).resolve().parent == (relay.directory / "downloads" / row.gid).resolve()


def test_no_secret_is_in_any_file_of_aria2(relay: Relay, origin: OriginServer) -> None:
    relay.add(origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW))
    with relay.worker() as worker:
        worker.step()
        arguments = Path(f"/proc/{relay.aria2.process_id}/cmdline").read_bytes()
        assert b"rpc-secret" not in arguments
        token = relay.aria2.client()._token.removeprefix("token:").encode()
        files = [each for each in relay.directory.rglob("*") if each.is_file()]
        assert all(token not in each.read_bytes() for each in files)


def test_a_defect_of_one_download_stops_no_other(
    relay: Relay, origin: OriginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.options = {"max_attempts": 2}
    bad = relay.add(origin.add("/bad.mkv", CONTENT))
    good = relay.add(origin.add("/good.mkv", CONTENT))

    def break_on_one(path: Path, expected: Expected, begun: GrowingFile | None) -> Verified:
        if path.name == "bad.mkv":
            raise ZeroDivisionError
        return verify(path, expected, begun)

    monkeypatch.setattr("sync_assets.relay.engine.examining.verify", break_on_one)
    relay.run()
    assert relay.row(good).state == DownloadState.COMPLETED
    assert (relay.row(bad).state, "ZeroDivisionError" in relay.row(bad).reason) == ("failed", True)


def test_a_worker_says_that_something_has_ended_until_its_next_step(
    relay: Relay, origin: OriginServer
) -> None:
    download_id = relay.add(origin.add("/film.mkv", CONTENT))
    with relay.worker() as worker:
        assert not worker.has_news
        deadline = time.monotonic() + 30
        while not worker.has_news and time.monotonic() < deadline:
            if worker._examiner.is_busy:
                time.sleep(0.01)
            else:
                worker.step()
        assert relay.row(download_id).state != DownloadState.COMPLETED
        worker.step()
        assert not worker.has_news
    assert relay.row(download_id).state == DownloadState.COMPLETED


def test_a_pause_by_the_user_stays_one(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW // 4))
    relay.run_until(download_id, lambda row: row.completed_bytes > 0)
    relay.wish(downloads.pause, download_id)
    relay.run(seconds=1)
    row = relay.row(download_id)
    assert (row.state, row.reason_code, row.command) == ("paused", ReasonCode.USER, None)
    with relay.ledger.read() as connection:
        history = read_events(connection, entity="relay_download", entity_id=str(download_id))
    assert [event.state for event in history] == ["pending", "downloading", "paused"]
