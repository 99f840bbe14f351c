"""The fault points of downloads, each with the real aria2c, and what must be true after them."""

import hashlib
import itertools
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sync_assets.ledger.events import read_events
from sync_assets.ledger.schema import relay_downloads
from sync_assets.relay import downloads
from sync_assets.relay.aria2.rpc import Aria2UnreachableError
from sync_assets.relay.downloads import DOWNLOADS
from sync_assets.relay.models import OPEN_DOWNLOADS, DownloadState, ReasonCode
from sync_assets_tests.relay.conftest import Relay
from sync_assets_tests.relay.media import link_medium
from sync_assets_tests.upstreams.origin import LOGIN_PAGE, OriginServer

CONTENT = hashlib.sha256(b"film").digest() * 8_000
PATH = "/film.mkv"
SLOW = 100_000


class KilledError(Exception):
    """The worker was killed here."""


@contextmanager
def killed(monkeypatch: pytest.MonkeyPatch, target: Any, name: str) -> Generator[None]:
    """Kill the worker where it calls something."""

    def die(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(target, name, die)
        with pytest.raises(KilledError):
            yield


def require_invariants(relay: Relay) -> None:
    """What `fault_points.json` wants of downloads, after everything has come to rest."""
    root = relay.directory / "downloads"
    with relay.ledger.read() as connection:
        rows = connection.execute(select(relay_downloads)).all()
        history = read_events(connection, entity="relay_download")
    for row in rows:
        if row.state == DownloadState.COMPLETED:
            content = Path(row.path).read_bytes()
            assert len(content) == row.total_bytes
            assert row.checksum == f"sha-256={hashlib.sha256(content).hexdigest()}"
    for row in rows:
        states = [event.state for event in history if event.entity_id == str(row.id)]
        assert states[-1] == row.state
        for before, after in itertools.pairwise(states):
            assert after in DOWNLOADS.transitions[DownloadState(before)]
    open_rows = {row.gid for row in rows if row.state in OPEN_DOWNLOADS}
    client = relay.aria2.client()
    tasks = [*client.call("aria2.tellActive", ["gid"])]
    tasks += client.call("aria2.tellWaiting", 0, 1_000, ["gid"])
    assert {task["gid"] for task in tasks} <= open_rows
    controls = {each.parent.name for each in root.rglob("*.aria2")}
    assert controls <= {row.gid for row in rows if row.state != DownloadState.COMPLETED}


def require_completed(relay: Relay, download_id: int, content: bytes = CONTENT) -> None:
    row = relay.row(download_id)
    assert row.state == DownloadState.COMPLETED, row.reason
    assert Path(row.path).read_bytes() == content
    require_invariants(relay)


def test_d1_killed_after_the_row_and_before_add_uri(
    relay: Relay, origin: OriginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT))
    with relay.worker() as worker, killed(monkeypatch, worker._adding, "call"):
        worker.step()
    relay.run()
    require_completed(relay, download_id)
    assert origin.count(PATH) == 1


def test_d2_killed_after_add_uri_and_before_the_ledger_says_so(
    relay: Relay, origin: OriginServer
) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT, bytes_per_second=SLOW))
    with relay.worker() as worker:
        worker.step()
    assert relay.row(download_id).state == DownloadState.PENDING
    relay.run()
    require_completed(relay, download_id)
    assert origin.count(PATH) == 1


def test_d3_the_answer_of_add_uri_is_lost(
    relay: Relay, origin: OriginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT, bytes_per_second=SLOW))
    client = relay.aria2.client()
    post = client._post

    def lose_the_answer(method: str, parameters: Any) -> Any:
        answer = post(method, parameters)
        if "addUri" in str(parameters):
            raise Aria2UnreachableError("The answer is lost.", remedy="None.")
        return answer

    with monkeypatch.context() as patch, relay.worker() as worker:
        patch.setattr(client, "_post", lose_the_answer)
        assert worker.step()
    relay.run()
    require_completed(relay, download_id)
    assert origin.count(PATH) == 1


def test_a_second_task_with_the_same_gid_is_the_first_one(
    relay: Relay, origin: OriginServer
) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT, bytes_per_second=SLOW))
    row = relay.row(download_id)
    with relay.worker() as worker:
        folder = str(relay.directory / "downloads" / row.gid)
        options = {"gid": row.gid, "dir": folder, "out": "film.mkv"}
        relay.aria2.client().call("aria2.addUri", [row.media_link], options)
        worker._starter.start(relay.aria2.client(), [row])
        assert relay.row(download_id).attempts == 0
        worker.run(seconds=30)
    assert relay.row(download_id).state == DownloadState.COMPLETED


def test_d4_aria2_is_killed_right_after_add_uri(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT, bytes_per_second=SLOW))
    gid = relay.row(download_id).gid
    with relay.worker() as worker:
        worker.step()
        relay.kill_aria2()
        worker.run(seconds=30)
    require_completed(relay, download_id)
    assert relay.row(download_id).gid == gid


def test_aria2_that_is_killed_between_a_look_and_an_order_ends_no_run(
    relay: Relay, origin: OriginServer
) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT, bytes_per_second=SLOW))
    kills = iter([relay.kill_aria2])

    def kill_after_the_look(_: Path) -> int:
        for kill in kills:
            kill()
        return 10_000_000

    relay.free_bytes = kill_after_the_look
    relay.run()
    require_completed(relay, download_id)


def test_aria2_that_runs_and_does_not_answer_is_started_again(
    relay: Relay, origin: OriginServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT))

    def break_off(*_: object) -> None:
        raise Aria2UnreachableError("The connection is reset.", remedy="None.")

    # As it is for a moment when it is killed: its connections are gone before it is.
    monkeypatch.setattr(relay.aria2.client(), "_post", break_off)
    relay.run()
    require_completed(relay, download_id)


def test_d5_aria2_is_killed_in_the_middle(relay: Relay, origin: OriginServer) -> None:
    content = CONTENT * 40
    download_id = relay.add(origin.add(PATH, content, bytes_per_second=3_000_000))
    file = relay.directory / "downloads" / relay.row(download_id).gid / "film.mkv"
    with relay.worker() as worker:
        while not file.exists() or file.stat().st_size < 5_000_000:
            worker.step()
        relay.kill_aria2()
        worker.run(seconds=30)
    require_completed(relay, download_id, content)
    assert origin.requests[-1].first_byte > 0


def test_d6_aria2_is_killed_after_the_last_byte(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT, bytes_per_second=SLOW * 2))
    file = relay.directory / "downloads" / relay.row(download_id).gid / "film.mkv"
    with relay.worker() as worker:
        worker.step()
        relay.run_until(download_id, lambda row: row.total_bytes is not None)
        while (
            not file.exists()
            or file.stat().st_size < len(CONTENT)
            or file.with_name("film.mkv.aria2").exists()
        ):
            assert relay.aria2.process_id
        relay.kill_aria2()
        worker.run(seconds=30)
    require_completed(relay, download_id)
    assert origin.count(PATH) == 1


def test_d7_it_completes_while_no_worker_looks(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT))
    with relay.worker() as worker:
        worker.step()
    client, gid = relay.aria2.client(), relay.row(download_id).gid
    while client.call("aria2.tellStatus", gid)["status"] != "complete":
        pass
    relay.run()
    require_completed(relay, download_id)
    assert origin.count(PATH) == 1


def test_d8_the_result_is_purged_by_a_user(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT, bytes_per_second=SLOW * 2))
    row = relay.run_until(download_id, lambda row: row.total_bytes is not None)
    client = relay.aria2.client()
    while client.call("aria2.tellStatus", row.gid)["status"] != "complete":
        pass
    client.call("aria2.purgeDownloadResult")
    relay.run()
    require_completed(relay, download_id)
    assert origin.count(PATH) == 1


def test_d9_a_user_removes_a_waiting_task_in_aria2(relay: Relay, origin: OriginServer) -> None:
    ids = [relay.add(origin.add(f"/{n}", CONTENT, bytes_per_second=SLOW)) for n in range(7)]
    row = relay.run_until(ids[-1], lambda row: row.state == DownloadState.WAITING)
    relay.aria2.client().call("aria2.remove", row.gid)
    row = relay.run_until(ids[-1], lambda row: row.state != DownloadState.WAITING)
    assert (row.state, row.reason_code) == ("cancelled", ReasonCode.REMOVED_IN_ARIA2)
    relay.wish(downloads.retry, ids[-1])
    relay.run()
    for each in ids:
        require_completed(relay, each)


def test_d9_a_user_removes_an_active_task_in_aria2(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT, bytes_per_second=SLOW))
    row = relay.run_until(download_id, lambda row: row.state == DownloadState.DOWNLOADING)
    relay.aria2.client().call("aria2.forceRemove", row.gid)
    row = relay.run_until(download_id, lambda row: row.state != DownloadState.DOWNLOADING)
    assert (row.state, row.reason_code) == ("cancelled", ReasonCode.REMOVED_IN_ARIA2)


def test_d10_a_user_pauses_a_waiting_task_in_aria2(relay: Relay, origin: OriginServer) -> None:
    ids = [relay.add(origin.add(f"/{n}", CONTENT, bytes_per_second=SLOW)) for n in range(7)]
    row = relay.run_until(ids[-1], lambda row: row.state == DownloadState.WAITING)
    relay.aria2.client().call("aria2.pause", row.gid)
    with relay.worker() as worker:
        worker.step()
    row = relay.row(ids[-1])
    assert (row.state, row.reason_code) == ("paused", ReasonCode.PAUSED_IN_ARIA2)
    relay.aria2.client().call("aria2.unpause", row.gid)
    relay.run()
    require_completed(relay, ids[-1])


def test_d13_a_file_of_the_right_size_with_wrong_content_is_there_already(
    relay: Relay, origin: OriginServer
) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT))
    folder = relay.directory / "downloads" / relay.row(download_id).gid
    folder.mkdir(parents=True)
    (folder / "film.mkv").write_bytes(b"x" * len(CONTENT))
    relay.run()
    require_completed(relay, download_id)


def test_d13_a_file_changes_after_aria2_was_killed_and_its_checksum_is_known(
    relay: Relay, origin: OriginServer
) -> None:
    checksum = f"sha-256={hashlib.sha256(CONTENT).hexdigest()}"
    download_id = relay.add(origin.add(PATH, CONTENT, bytes_per_second=SLOW), checksum=checksum)
    row = relay.run_until(download_id, lambda row: row.completed_bytes > 0)
    relay.kill_aria2()
    folder = relay.directory / "downloads" / row.gid
    (folder / "film.mkv.aria2").unlink(missing_ok=True)
    (folder / "film.mkv").write_bytes(b"x" * len(CONTENT))
    relay.run()
    require_completed(relay, download_id)


def test_d14_a_login_page_with_status_200_is_no_film(relay: Relay, origin: OriginServer) -> None:
    relay.options = {"max_attempts": 2}
    download_id = relay.add(origin.add(PATH, CONTENT))
    origin.fail(PATH, "page", times=2)
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("failed", ReasonCode.WRONG_CONTENT)
    assert not any(
        each.is_file() and each.read_bytes() == LOGIN_PAGE
        for each in (relay.directory / "downloads").rglob("*")
    )
    relay.wish(downloads.retry, download_id)
    relay.run()
    require_completed(relay, download_id)


def test_d14_a_page_that_is_wanted_is_a_page(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add("/index.html", LOGIN_PAGE))
    relay.run()
    require_completed(relay, download_id, LOGIN_PAGE)


def test_d15_a_link_that_has_expired_is_replaced_by_a_fresh_one(
    relay: Relay, origin: OriginServer
) -> None:
    relay.options = {"max_attempts": 2}
    link = origin.add(PATH, CONTENT, token="fresh")
    download_id = relay.add_medium(link_medium(f"{link}?token=old", key="k", name="film.mkv"))
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("failed", ReasonCode.FORBIDDEN)
    with relay.ledger.write() as connection:
        again = downloads.want(
            connection, link_medium(f"{link}?token=fresh", key="k", name="film.mkv")
        )
    assert (again.download_id, again.is_new) == (download_id, False)
    relay.run()
    require_completed(relay, download_id)


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_d17_what_aria2_does_not_try_again_is_tried_again(
    relay: Relay, origin: OriginServer, status: int
) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT))
    origin.fail(PATH, "status", times=2, status=status)
    relay.run()
    require_completed(relay, download_id)
    assert relay.row(download_id).attempts >= 1


@pytest.mark.parametrize("status", [429, 503])
def test_d17_retry_after_is_kept(relay: Relay, origin: OriginServer, status: int) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT))
    origin.fail(PATH, "status", times=2, status=status, headers={"Retry-After": "1000"})
    relay.run()
    row = relay.row(download_id)
    assert row.state == DownloadState.PENDING
    assert (row.not_before - row.changed_at).total_seconds() >= 999
    asked = len(origin.requests)
    relay.run()
    assert len(origin.requests) == asked
    relay.pass_time()
    relay.run()
    require_completed(relay, download_id)


def test_d17_attempts_are_bounded(relay: Relay, origin: OriginServer) -> None:
    relay.options = {"max_attempts": 3}
    download_id = relay.add(origin.add(PATH, CONTENT))
    origin.fail(PATH, "status", times=float("inf"), status=500)
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.attempts, row.reason_code) == ("failed", 3, ReasonCode.SERVER_ERROR)
    assert row.media_state == "failed"
    assert len(origin.requests) <= 6


def test_a_login_that_is_wanted_is_not_asked_for_twice(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT))
    origin.fail(PATH, "status", times=float("inf"), status=401)
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("failed", ReasonCode.FORBIDDEN)


def test_d22_two_media_of_one_name_are_both_kept(relay: Relay, origin: OriginServer) -> None:
    first = relay.add(origin.add("/a/film.mkv", CONTENT))
    second = relay.add(origin.add("/b/film.mkv", CONTENT[::-1]))
    relay.run()
    require_completed(relay, first)
    require_completed(relay, second, CONTENT[::-1])


def test_a_body_that_is_cut_short_is_completed(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT))
    origin.fail(PATH, "cut", times=3, after=50_000)
    relay.run()
    require_completed(relay, download_id)


def test_an_origin_without_ranges_begins_again_after_a_kill(
    relay: Relay, origin: OriginServer
) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT, has_ranges=False, bytes_per_second=SLOW))
    with relay.worker() as worker:
        control = relay.directory / "downloads" / relay.row(download_id).gid / "film.mkv.aria2"
        for _ in range(100):
            worker.run(seconds=0.1)
            if control.exists() and control.stat().st_size:
                break
        relay.kill_aria2()
        worker.run(seconds=30)
    require_completed(relay, download_id)


def test_a_declared_size_that_is_wrong_is_not_accepted(relay: Relay, origin: OriginServer) -> None:
    relay.options = {"max_attempts": 2}
    download_id = relay.add(origin.add(PATH, CONTENT), size_bytes=len(CONTENT) + 1)
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("failed", ReasonCode.WRONG_SIZE)


def test_content_that_changes_between_two_attempts_is_not_mixed(
    relay: Relay, origin: OriginServer
) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT, bytes_per_second=SLOW))
    relay.run_until(download_id, lambda row: row.completed_bytes > 0)
    relay.kill_aria2()
    changed = CONTENT[::-1] + b"more"
    origin.add(PATH, changed)
    relay.run()
    require_completed(relay, download_id, changed)


def test_a_server_that_is_away_is_waited_for(relay: Relay, origin: OriginServer) -> None:
    download_id = relay.add(origin.add(PATH, CONTENT))
    origin.go_offline()
    relay.run_until(download_id, lambda row: row.attempts > 0)
    origin.listen()
    relay.run()
    require_completed(relay, download_id)


def test_d16_without_space_downloads_rest_and_go_on_by_themselves(
    relay: Relay, origin: OriginServer
) -> None:
    relay.options = {"disk_free_threshold_bytes": 1_000_000}
    free = 10_000_000
    relay.free_bytes = lambda _: free
    download_id = relay.add(origin.add(PATH, CONTENT, bytes_per_second=SLOW))
    relay.run_until(download_id, lambda row: row.completed_bytes > 0)
    free = 999_999
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("paused", ReasonCode.DISK_FULL)
    free = 10_000_000
    relay.run()
    require_completed(relay, download_id)
    assert relay.row(download_id).attempts == 0


def test_d16_what_does_not_fit_is_not_begun(relay: Relay, origin: OriginServer) -> None:
    relay.options = {"disk_free_threshold_bytes": 1_000}
    relay.free_bytes = lambda _: 2_000
    download_id = relay.add(origin.add(PATH, CONTENT), size_bytes=len(CONTENT))
    relay.run()
    assert relay.row(download_id).reason_code == ReasonCode.DISK_FULL
    assert origin.requests == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 200 kB."""
    directory = tmp_path / "small"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(directory)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a small disk")
    yield directory
    subprocess.run(["umount", "-l", str(directory)], check=True)


def test_d16_a_disk_that_becomes_full_fails_nothing(
    relay: Relay, origin: OriginServer, small_disk: Path
) -> None:
    relay.options = {"download_directory": small_disk, "retry_backoff_initial_seconds": 1_000}
    relay.free_bytes = lambda _: 10_000_000
    download_id = relay.add(origin.add(PATH, CONTENT))
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("paused", ReasonCode.DISK_FULL)
    asked = origin.count(PATH)
    relay.run()
    assert origin.count(PATH) == asked
    subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True)
    relay.pass_time()
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.attempts) == ("completed", 0)
    assert Path(row.path).read_bytes() == CONTENT
