"""Uploads through a real rclone to clouds of this machine: what arrives, and what proves it."""

import hashlib
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import read_events
from sync_assets.ledger.schema import inbox_events
from sync_assets.relay.rclone.rpc import RcloneRefusedError
from sync_assets.relay.rclone.storage import Movement, Storage
from sync_assets.relay.resting import drive_to_rest
from sync_assets.relay.verified_files import Fingerprint
from sync_assets.settings.relay_targets import RcloneTargetSettings
from sync_assets_tests.relay.uploading import DAY, Uploads
from sync_assets_tests.upstreams.clouds import Clouds

CONTENT = random.Random(1).randbytes(200_000)


@pytest.fixture
def uploads(sqlite_ledger: Ledger, tmp_path: Path) -> Iterator[Uploads]:
    with Clouds(tmp_path / "clouds") as clouds:
        yield Uploads(sqlite_ledger, tmp_path, clouds)


@pytest.mark.parametrize(
    ("remote", "verified_by", "proof"),
    [
        ("gdrive:Media", "size", "size="),
        ("onedrive:Media", "hash", "sha1="),
        ("drive:Media", "hash", "sha256="),
        ("vault:Media", "size", "size="),
    ],
)
def test_a_file_arrives_is_verified_and_is_removed_here(
    uploads: Uploads, remote: str, verified_by: str, proof: str
) -> None:
    uploads.target("cloud", remote)
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.verified_by, row.failure_code) == ("cleaned", verified_by, None)
    assert row.proof.startswith(proof)
    assert (row.remote_path, row.uploaded_bytes) == (f"{DAY}/film.mkv", len(CONTENT))
    assert (row.media_state, row.download_state) == ("relayed", "completed")
    assert row.cleaned_at is not None
    assert row.download_cleaned_at is not None
    assert not uploads.folder(download_id).exists()
    cloud, _, folder = remote.partition(":")
    if cloud != "vault":
        assert uploads.clouds.published(cloud) == {f"{folder}/{DAY}/film.mkv": CONTENT}
    assert uploads.clouds.parts() == []
    with uploads.ledger.read() as connection:
        history = read_events(connection, entity="relay_upload")
    states = ["waiting_download", "pending", "uploading", "completed", "cleaned"]
    assert [event.state for event in history] == states


def test_media_of_one_name_are_all_kept_under_names_that_stay_the_same(uploads: Uploads) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    ids = [uploads.add("film.mkv", bytes([number]) * 1_000) for number in range(3)]
    uploads.run()
    rows = [uploads.one(each) for each in ids]
    names = {row.remote_path: bytes([number]) * 1_000 for number, row in enumerate(rows)}
    assert uploads.clouds.published("gdrive") == names
    assert set(names) <= {"film.mkv", *(f"film ({row.part_id[:8]}).mkv" for row in rows)}
    assert len(names) == 3


@pytest.mark.parametrize("cloud", ["gdrive", "onedrive"])
def test_a_foreign_file_of_the_same_name_and_size_is_not_touched(
    uploads: Uploads, cloud: str
) -> None:
    uploads.target("cloud", f"{cloud}:", path="{name}")
    foreign = bytes(len(CONTENT))
    (uploads.clouds.files[cloud] / "film.mkv").write_bytes(foreign)
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    path = f"film ({uploads.one(download_id).part_id[:8]}).mkv"
    assert uploads.one(download_id).remote_path == path
    assert uploads.clouds.published(cloud) == {"film.mkv": foreign, path: CONTENT}


@pytest.mark.parametrize(("cloud", "proof"), [("gdrive", "content"), ("onedrive", "hash")])
def test_the_same_file_is_not_uploaded_twice(uploads: Uploads, cloud: str, proof: str) -> None:
    uploads.target("cloud", f"{cloud}:", path="{name}")
    path = uploads.clouds.files[cloud] / "film.mkv"
    path.write_bytes(CONTENT)
    before = path.stat()
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    assert (uploads.one(download_id).state, uploads.one(download_id).verified_by) == (
        "cleaned",
        proof,
    )
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert list(uploads.clouds.published(cloud)) == ["film.mkv"]


@pytest.mark.parametrize("path", ["{name}", "films/{name}"])
@pytest.mark.parametrize("cloud", ["gdrive", "onedrive", "drive"])
def test_a_folder_of_that_name_is_not_replaced(uploads: Uploads, cloud: str, path: str) -> None:
    uploads.target("cloud", f"{cloud}:", path=path)
    folder = path.format(name="film.mkv")
    inside = uploads.clouds.files[cloud] / folder / "a"
    inside.parent.mkdir(parents=True)
    inside.write_bytes(b"a")
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.attempts) == ("cleaned", 0)
    assert uploads.clouds.published(cloud) == {f"{folder}/a": b"a", row.remote_path: CONTENT}


def test_a_folder_is_not_replaced_by_a_storage_that_would(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Storage, "spares_folders", lambda _storage, _file: False)
    uploads.target("cloud", "gdrive:", path="{name}")
    inside = uploads.clouds.files["gdrive"] / "film.mkv" / "a"
    inside.parent.mkdir()
    inside.write_bytes(b"a")
    asked = []
    monkeypatch.setattr(Storage, "is_folder", _recorded(asked, Storage.is_folder))
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    path = uploads.one(download_id).remote_path
    assert uploads.clouds.published("gdrive") == {"film.mkv/a": b"a", path: CONTENT}
    assert asked == ["film.mkv", path]


def _recorded(paths: list[str], method):
    def recorded(storage: Storage, path: str):
        paths.append(path)
        return method(storage, path)

    return recorded


@pytest.mark.parametrize("remote", ["gdrive:", "gdrive:Media", "onedrive:", "drive:a", "vault:"])
def test_most_storages_spare_folders_by_themselves(uploads: Uploads, remote: str) -> None:
    uploads.target("cloud", remote, path="{name}")
    uploads.add("film.mkv", CONTENT)
    with uploads.worker() as worker:
        drive_to_rest([worker], seconds=60)
        target = uploads.settings().relay.targets["cloud"]
        assert isinstance(target, RcloneTargetSettings)
        assert uploads.processes is not None
        client = uploads.processes.process(target).client
        assert Storage(client, remote).spares_folders("film.mkv")


@pytest.mark.parametrize("remote", ["gdrive:", "onedrive:", "vault:", "drive:Media"])
def test_of_several_moves_each_is_known_by_itself(uploads: Uploads, remote: str) -> None:
    uploads.target("cloud", remote, path="{name}")
    uploads.add("film.mkv", CONTENT)
    with uploads.worker() as worker:
        drive_to_rest([worker], seconds=60)
        target = uploads.settings().relay.targets["cloud"]
        assert isinstance(target, RcloneTargetSettings)
        assert uploads.processes is not None
        storage = Storage(uploads.processes.process(target).client, remote)
        for name in ("a part", "b part", "b", "c part"):
            file = uploads.clouds.config_path.with_name(name)
            file.write_text(name)
            storage.copy(file, len(name), name, is_new=True, meanwhile=lambda _: None)
        names = ("a", "b", "c", "no")
        moved = storage.move_each([(f"{name} part", name) for name in names])
        # By now it is known what the storage tells.
        others = storage.move_each([("a", "d"), ("b", "c"), ("no", "e")])
    assert isinstance(moved.pop(), RcloneRefusedError)
    assert isinstance(others.pop(), RcloneRefusedError)
    found = [each for each in moved + others if isinstance(each, Movement)]
    assert [each.is_known for each in found] == [True, False, True, True, False]
    assert [each.entry.size_bytes for each in found if each.entry] == [6, 1, 6, 6, 6]


@pytest.mark.parametrize("is_known", [False, True])
def test_a_file_that_changes_while_it_is_copied_is_not_published(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    download_id = uploads.add("film.mkv", CONTENT)
    path = Path(uploads.one(download_id).download_path)
    copy = Storage.copy
    if is_known:
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        settled = Fingerprint.of(path.stat())
        monkeypatch.setattr(Fingerprint, "is_settled", lambda _: True)
        uploads.verified_files.remember(path, settled, sha256)

    def change_after(*arguments, **named) -> None:
        copy(*arguments, **named)
        path.write_bytes(bytes(len(CONTENT)))

    monkeypatch.setattr(Storage, "copy", change_after)
    uploads.run()
    assert uploads.one(download_id).failure_code == "wrong_checksum"
    assert uploads.clouds.published("gdrive") == {}


def test_an_object_storage_has_no_folder_where_there_is_nothing(uploads: Uploads) -> None:
    uploads.target("cloud", "bucket:media/films", path="{name}")
    ids = {name: uploads.add(name, CONTENT) for name in ("a.mkv", "b.mkv", "c.mkv")}
    uploads.run()
    found = {uploads.one(each).remote_path: uploads.one(each).state for each in ids.values()}
    assert found == dict.fromkeys(ids, "cleaned")


@pytest.mark.parametrize("cloud", ["gdrive", "onedrive", "drive"])
def test_a_name_that_another_file_has_costs_no_attempt(uploads: Uploads, cloud: str) -> None:
    uploads.target("cloud", f"{cloud}:", path="{name}")
    (uploads.clouds.files[cloud] / "film.mkv").write_bytes(b"another film")
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.attempts) == ("cleaned", 0)
    found = uploads.clouds.published(cloud)
    assert found == {"film.mkv": b"another film", row.remote_path: CONTENT}


def test_a_torrent_of_several_files_arrives_as_a_folder(uploads: Uploads) -> None:
    uploads.target("cloud", "onedrive:Shows", path="{source}/{name}")
    files = {"1.mkv": b"one" * 1_000, "extras/2.mkv": b"two" * 2_000}
    download_id = uploads.add_folder("Show", files)
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.verified_by, row.remote_path) == ("cleaned", "hash", "test/Show")
    expected = {f"Shows/test/Show/{path}": content for path, content in files.items()}
    assert uploads.clouds.published("onedrive") == expected
    assert uploads.clouds.parts() == []


def test_a_file_may_be_read_back_where_there_are_no_checksums(uploads: Uploads) -> None:
    uploads.target("cloud", "vault:", read_back=True)
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.verified_by) == ("cleaned", "content")
    assert f"sha-256={row.proof.removeprefix('sha256=')}" == row.download_checksum


def test_a_checksum_that_only_rclone_computes_is_compared(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync_assets.relay.rclone.storage._PREFERRED_HASHES", ("quickxor",))
    uploads.target("cloud", "drive:")
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    assert row.state == "cleaned"
    assert row.proof.startswith("quickxor=")


def test_no_name_of_a_sender_leads_out_of_the_folder(uploads: Uploads) -> None:
    uploads.target("cloud", "drive:Media", path="{sender}/{chat}/{album}/{id} {name}")
    download_id = uploads.add("a.mkv", CONTENT, sender="../../up", chat_id="/", album="..")
    uploads.run()
    assert uploads.one(download_id).remote_path == f"up/file/file/{download_id} a.mkv"
    assert list(uploads.clouds.published("drive")) == [f"Media/up/file/file/{download_id} a.mkv"]


def test_the_shelf_learns_of_each_file_once(uploads: Uploads) -> None:
    uploads.target("cloud", "drive:Media", strm_root="/cloud/Media", path="{name}")
    uploads.add("film.mkv", CONTENT)
    uploads.run()
    uploads.run()
    with uploads.ledger.read() as connection:
        (event,) = connection.execute(select(inbox_events)).all()
    payload = event.payload if isinstance(event.payload, dict) else json.loads(event.payload)
    assert payload == {"path": "/cloud/Media/film.mkv", "action": "create"}


def test_the_file_stays_until_every_required_target_has_it(uploads: Uploads) -> None:
    uploads.target("good", "drive:")
    uploads.target("bad", "nowhere:")
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    rows = uploads.of(download_id)
    assert (rows["good"].state, rows["bad"].failure_code) == ("completed", "wrong_remote")
    assert rows["good"].media_state == "downloaded"
    assert Path(rows["good"].download_path).read_bytes() == CONTENT


def test_an_optional_target_that_failed_keeps_no_file(uploads: Uploads) -> None:
    uploads.target("good", "drive:")
    uploads.target("bad", "nowhere:", required=False)
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    rows = uploads.of(download_id)
    assert (rows["good"].state, rows["bad"].state) == ("cleaned", "failed")
    assert not uploads.folder(download_id).exists()


def test_without_cleaning_the_file_stays(uploads: Uploads) -> None:
    uploads.target("cloud", "drive:")
    uploads.options["clean_local_files"] = False
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.media_state) == ("completed", "relayed")
    assert Path(row.download_path).exists()


def test_a_worker_says_that_something_has_ended_until_its_next_step(uploads: Uploads) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    download_id = uploads.add("film.mkv", b"film")
    news = []
    with uploads.worker() as worker:
        assert not worker.has_news
        deadline = time.monotonic() + 30
        while uploads.one(download_id).state != "cleaned" and time.monotonic() < deadline:
            if worker.has_news:
                news.append(uploads.one(download_id).state)
            elif worker.is_busy or worker._chores.is_busy:
                time.sleep(0.01)
                continue
            worker.step()
        assert not worker.has_news
    # The upload, and the removal of the local file.
    assert news == ["uploading", "completed"]
