"""Small files that are sent together: each is as sure as one that is sent alone."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import read_events
from sync_assets.ledger.types import AnyRow
from sync_assets.relay import uploads as rows
from sync_assets.relay.rclone.storage import Storage
from sync_assets.relay.resting import drive_to_rest
from sync_assets.relay.uploading.claims import Claims
from sync_assets.relay.uploading.outcomes import Stopped, UploadOutcome
from sync_assets.relay.uploading.rclone_target import RcloneTarget
from sync_assets.relay.uploading.targets import Target
from sync_assets.relay.uploading.transfer import Transfer
from sync_assets_tests.relay.killed_uploader import TOGETHER
from sync_assets_tests.relay.uploading import Uploads
from sync_assets_tests.upstreams.clouds import Clouds
from sync_assets_tests.upstreams.faulty_cloud import FaultyCloud

CHANCE = random.Random(3)
CONTENTS = {f"{number:02}.mkv": CHANCE.randbytes(20_000 + number) for number in range(12)}


@pytest.fixture
def uploads(sqlite_ledger: Ledger, tmp_path: Path) -> Iterator[Uploads]:
    with Clouds(tmp_path / "clouds") as clouds:
        uploads = Uploads(sqlite_ledger, tmp_path, clouds)
        uploads.options["upload_concurrency"] = 2
        yield uploads


@pytest.fixture
def faulty(uploads: Uploads) -> Iterator[FaultyCloud]:
    """Stand between rclone and the WebDAV cloud."""
    with FaultyCloud(uploads.clouds.url("gdrive")) as cloud:
        uploads.clouds.configure(webdav_url=cloud.url)
        yield cloud


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many files went with each request that copied several."""
    return recorded(monkeypatch, "copy_each")


def recorded(monkeypatch: pytest.MonkeyPatch, name: str) -> list[int]:
    counts: list[int] = []
    original = getattr(Storage, name)

    def method(storage: Storage, each: Any, **named: Any) -> Any:
        counts.append(len(each))
        return original(storage, each, **named)

    monkeypatch.setattr(Storage, name, method)
    return counts


def relay(
    uploads: Uploads,
    contents: Mapping[str, bytes] = CONTENTS,
    before: Callable[[dict[str, int]], None] = lambda _: None,
) -> dict[str, int]:
    """Upload a file alone, and then others; return their downloads by name."""
    first = uploads.add("first.mkv", b"the first one")
    with uploads.worker() as worker:
        drive_to_rest([worker], seconds=60)
        assert uploads.one(first).state == "cleaned"
        ids = {name: uploads.add(name, content) for name, content in contents.items()}
        before(ids)
        drive_to_rest([worker], seconds=60)
    return ids


def published(uploads: Uploads, cloud: str) -> dict[str, bytes]:
    found = dict(uploads.clouds.published(cloud))
    assert found.pop("first.mkv") == b"the first one"
    assert uploads.clouds.parts() == []
    return found


def states(uploads: Uploads, ids: Mapping[str, int]) -> list[str]:
    return [uploads.one(each).state for each in ids.values()]


@pytest.mark.parametrize(
    ("remote", "verified_by"),
    [
        ("gdrive:", "size"),
        ("onedrive:", "hash"),
        ("drive:", "hash"),
        ("vault:", "size"),
        ("bucket:media", "hash"),
    ],
)
def test_they_arrive_and_are_verified(
    uploads: Uploads,
    sent: list[int],
    monkeypatch: pytest.MonkeyPatch,
    remote: str,
    verified_by: str,
) -> None:
    moved = recorded(monkeypatch, "move_each")
    uploads.target("cloud", remote, path="{name}")
    ids = relay(uploads)
    assert states(uploads, ids) == ["cleaned"] * 12
    assert {uploads.one(each).verified_by for each in ids.values()} == {verified_by}
    # With two slots.
    assert sorted(sent) == [6, 6]
    cloud = remote.partition(":")[0]
    if cloud != "bucket":
        # One that the server fails among several is moved again, alone.
        assert max(moved) == 6
    if cloud in uploads.clouds.files:
        assert published(uploads, cloud) == CONTENTS
    with uploads.ledger.read() as connection:
        history = read_events(connection, entity="relay_upload")
    assert [event.state for event in history].count("completed") == 13


def test_what_is_read_back_is_read_back(uploads: Uploads, sent: list[int]) -> None:
    uploads.target("cloud", "gdrive:", path="{name}", read_back=True)
    ids = relay(uploads)
    assert {uploads.one(each).verified_by for each in ids.values()} == {"content"}
    assert sum(sent) == 12


def test_large_ones_and_folders_are_sent_alone(uploads: Uploads, sent: list[int]) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    large = {f"{number}.mkv": CHANCE.randbytes(1024 * 1024 + 1) for number in range(3)}
    relay(uploads, large)
    assert published(uploads, "gdrive") == large
    assert sent == []


def test_of_one_name_all_are_kept(uploads: Uploads, sent: list[int]) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    added: dict[int, bytes] = {}

    def add_of_one_name(_: dict[str, int]) -> None:
        added.update({uploads.add("film.mkv", content): content for content in CONTENTS.values()})

    relay(uploads, {}, before=add_of_one_name)
    found = {uploads.one(each).remote_path: content for each, content in added.items()}
    assert len(found) == 12
    assert published(uploads, "gdrive") == found
    assert sum(sent) == 12


@pytest.mark.parametrize("cloud", ["gdrive", "onedrive", "drive"])
def test_names_that_others_have_are_left_to_them(uploads: Uploads, cloud: str) -> None:
    uploads.target("cloud", f"{cloud}:", path="{name}")
    root = uploads.clouds.files[cloud]
    foreign = bytes(len(CONTENTS["03.mkv"]))
    (root / "03.mkv").write_bytes(foreign)
    (root / "05.mkv").mkdir()
    (root / "05.mkv" / "a").write_bytes(b"a")
    (root / "07.mkv").write_bytes(CONTENTS["07.mkv"])
    ids = relay(uploads)
    assert [(uploads.one(each).state, uploads.one(each).attempts) for each in ids.values()] == [
        ("cleaned", 0)
    ] * 12
    found = published(uploads, cloud)
    assert (found.pop("03.mkv"), found.pop("05.mkv/a")) == (foreign, b"a")
    paths = {name: uploads.one(each).remote_path for name, each in ids.items()}
    assert found == {paths[name]: content for name, content in CONTENTS.items()}
    assert [name for name, path in paths.items() if name != path] == ["03.mkv", "05.mkv"]


def test_a_local_file_that_is_damaged_stops_none_of_the_others(uploads: Uploads) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")

    def damage(ids: dict[str, int]) -> None:
        path = Path(uploads.one(ids["04.mkv"]).download_path)
        path.write_bytes(bytes(path.stat().st_size))
        Path(uploads.one(ids["06.mkv"]).download_path).unlink()

    ids = relay(uploads, before=damage)
    failed = {name: uploads.one(ids[name]).failure_code for name in ("04.mkv", "06.mkv")}
    assert failed == {"04.mkv": "wrong_checksum", "06.mkv": "file_missing"}
    good = {name: content for name, content in CONTENTS.items() if name not in failed}
    assert published(uploads, "gdrive") == good


@pytest.mark.parametrize("method", ["PUT", "MOVE", "PROPFIND"])
def test_what_is_refused_for_now_is_tried_again(
    uploads: Uploads, faulty: FaultyCloud, method: str
) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    ids = relay(uploads, before=lambda _: faulty.refuse(method, 503, times=4))
    assert states(uploads, ids) == ["cleaned"] * 12
    assert published(uploads, "gdrive") == CONTENTS


def test_what_rclone_has_seen_itself_is_not_looked_at_again(
    uploads: Uploads, faulty: FaultyCloud
) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    ids = relay(uploads, before=lambda _: faulty.requests.clear())
    assert states(uploads, ids) == ["cleaned"] * 12
    assert faulty.requests["MOVE"] == 12
    # After it was copied, at both places before it is moved, and at the new one.
    assert faulty.requests["PROPFIND"] == 4 * 12


def test_one_that_loses_its_end_as_it_is_moved_does_not_count(
    uploads: Uploads, faulty: FaultyCloud
) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    ids = relay(uploads, before=lambda _: faulty.damaged.add("/05.mkv"))
    assert states(uploads, ids) == ["cleaned"] * 12
    paths = {name: uploads.one(each).remote_path for name, each in ids.items()}
    assert [name for name, path in paths.items() if name != path] == ["05.mkv"]
    found = published(uploads, "gdrive")
    assert found.pop("05.mkv") == CONTENTS["05.mkv"][:-1]
    assert found == {paths[name]: content for name, content in CONTENTS.items()}


def test_a_storage_that_is_full_is_said_once(uploads: Uploads, faulty: FaultyCloud) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    uploads.options["upload_concurrency"] = 1
    ids = relay(uploads, before=lambda _: faulty.refuse("PUT", 507))
    assert sorted(states(uploads, ids)) == ["failed"] + ["pending"] * 11
    assert {uploads.one(each).failure_code for each in ids.values()} == {"quota_full"}
    # The first one, and one request's worth of the others.
    assert faulty.requests["PUT"] == 9
    faulty.refusals.clear()
    (failed,) = [each for each in ids.values() if uploads.one(each).state == "failed"]
    uploads.wish(rows.retry_upload, uploads.one(failed).id)
    uploads.run()
    assert states(uploads, ids) == ["cleaned"] * 12
    assert published(uploads, "gdrive") == CONTENTS


def test_rclone_that_is_killed_meanwhile_publishes_nothing_twice(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    killed = []
    original = Storage.copy_each

    def kill_before(storage: Storage, copies: Any, **named: Any) -> Any:
        if not killed:
            assert uploads.processes is not None
            (process,) = uploads.processes._processes.values()
            assert process.process_id is not None
            killed.append(process.process_id)
            os.kill(process.process_id, signal.SIGKILL)
        return original(storage, copies, **named)

    monkeypatch.setattr(Storage, "copy_each", kill_before)
    ids = relay(uploads)
    assert len(killed) == 1
    assert states(uploads, ids) == ["cleaned"] * 12
    assert published(uploads, "gdrive") == CONTENTS


def test_one_that_is_cancelled_meanwhile_leaves_nothing(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    wanted: dict[str, int] = {}
    stopped = threading.Event()
    copy_each, stop = Storage.copy_each, Transfer.stop

    def stop_and_tell(transfer: Transfer) -> None:
        stop(transfer)
        stopped.set()

    def cancel_before(storage: Storage, copies: Any, **named: Any) -> Any:
        row = uploads.one(wanted["08.mkv"])
        if any(row.part_id in part for _, part in copies):
            uploads.wish(rows.cancel_upload, row.id)
            assert stopped.wait(30)
        return copy_each(storage, copies, **named)

    monkeypatch.setattr(Storage, "copy_each", cancel_before)
    monkeypatch.setattr(Transfer, "stop", stop_and_tell)
    ids = relay(uploads, before=wanted.update)
    assert stopped.is_set()
    assert uploads.one(ids["08.mkv"]).state == "cancelled"
    others = {name: content for name, content in CONTENTS.items() if name != "08.mkv"}
    assert published(uploads, "gdrive") == others


def test_a_target_that_has_taken_nothing_yet_does_not_wait_for_another(uploads: Uploads) -> None:
    uploads.options["upload_concurrency"] = 1
    uploads.target("busy", "gdrive:", path="{name}")
    uploads.target("new", "onedrive:", path="{name}")
    ended = threading.Event()

    class Busy:
        """One with which nothing comes to its end."""

        lost_answer = None
        takes_files = True

        def prepare(self) -> None: ...

        def path(self, row: AnyRow) -> str:
            return row.media_name

        def sends_together(self, _row: AnyRow) -> bool:
            return False

        def send(self, _row: AnyRow, _transfer: Transfer) -> UploadOutcome:
            ended.wait(60)
            return Stopped()

        def remove_part(self, row: AnyRow) -> None: ...

    def wrap(target: Target) -> Target:
        is_busy = isinstance(target, RcloneTarget) and target._settings.remote == "gdrive:"
        return cast("Target", Busy()) if is_busy else target

    uploads.wrap = wrap
    for number in range(10):
        uploads.add(f"{number}.mkv", b"busy", targets=["busy"])
    download_id = uploads.add("new.mkv", b"new", targets=["new"])
    deadline = time.monotonic() + 30
    with uploads.worker() as worker:
        while uploads.one(download_id).state != "completed" and time.monotonic() < deadline:
            worker.step()
            time.sleep(0.02)
        state = uploads.one(download_id).state
        ended.set()
    assert state in ("completed", "cleaned")


def test_names_that_a_storage_may_take_for_the_same_are_claimed_once() -> None:
    claims = Claims()
    composed, decomposed = "été.mkv", "e\u0301te\u0301.mkv"
    with claims.claim_free(["a", composed, decomposed, "A"]) as is_free:
        assert is_free == [True, True, False, False]
        with claims.claim_free(["a", "b"]) as is_free_too:
            assert is_free_too == [False, True]
    with claims.claim_free([decomposed, "A"]) as is_free:
        assert is_free == [True, True]


@pytest.mark.parametrize("cloud", ["gdrive", "onedrive"])
@pytest.mark.parametrize("point", TOGETHER)
def test_a_worker_that_is_killed_anywhere_loses_and_doubles_nothing(
    uploads: Uploads, point: str, cloud: str
) -> None:
    uploads.target("cloud", f"{cloud}:", path="{name}")
    ids = {name: uploads.add(name, content) for name, content in CONTENTS.items()}
    uploads.kill_at(point)
    assert "uploading" in states(uploads, ids)
    uploads.run()
    assert states(uploads, ids) == ["cleaned"] * 12
    assert dict(uploads.clouds.published(cloud)) == CONTENTS
    assert uploads.clouds.parts() == []
    with uploads.ledger.read() as connection:
        history = read_events(connection, entity="relay_upload")
    assert [event.state for event in history].count("completed") == 12
