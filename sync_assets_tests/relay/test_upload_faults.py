"""What goes wrong with uploads, and that each is a state with a reason and a way on."""

import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import read_events
from sync_assets.ledger.types import utc_now
from sync_assets.ops.tools import TOOLS
from sync_assets.relay import downloads
from sync_assets.relay import uploads as rows
from sync_assets.relay.models import ReasonCode
from sync_assets.relay.rclone.process import RcloneProcess, RcloneStartError
from sync_assets.relay.resting import drive_to_rest
from sync_assets.relay.uploading.uploader import Uploader
from sync_assets_tests.ops.waiting import wait_until
from sync_assets_tests.relay.killed_uploader import POINTS
from sync_assets_tests.relay.uploading import Uploads
from sync_assets_tests.upstreams.clouds import Clouds
from sync_assets_tests.upstreams.faulty_cloud import FaultyCloud

CONTENT = random.Random(1).randbytes(200_000)
LARGE = random.Random(2).randbytes(3_000_000)


@pytest.fixture
def uploads(sqlite_ledger: Ledger, tmp_path: Path) -> Iterator[Uploads]:
    with Clouds(tmp_path / "clouds") as clouds:
        yield Uploads(sqlite_ledger, tmp_path, clouds)


@pytest.fixture
def faulty(uploads: Uploads) -> Iterator[FaultyCloud]:
    """Stand between rclone and the WebDAV cloud."""
    with FaultyCloud(uploads.clouds.url("gdrive")) as cloud:
        uploads.clouds.configure(webdav_url=cloud.url)
        yield cloud


def assert_published_once(uploads: Uploads, cloud: str, content: bytes = CONTENT) -> None:
    assert uploads.clouds.published(cloud) == {"film.mkv": content}
    assert uploads.clouds.parts() == []


# A worker that is killed.


@pytest.mark.parametrize("cloud", ["gdrive", "onedrive"])
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_that_is_killed_anywhere_loses_and_doubles_nothing(
    uploads: Uploads, point: str, cloud: str
) -> None:
    uploads.target("cloud", f"{cloud}:", path="{name}")
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.kill_at(point)
    before = uploads.one(download_id)
    assert before.state == ("completed" if point.startswith("C") else "uploading")
    assert before.cleaned_at is None
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.media_state, row.retries, row.attempts) == ("cleaned", "relayed", 0, 0)
    assert_published_once(uploads, cloud)
    assert not uploads.folder(download_id).exists()
    with uploads.ledger.read() as connection:
        history = read_events(connection, entity="relay_upload")
    assert [event.state for event in history].count("completed") == 1


@pytest.mark.parametrize("cloud", ["gdrive", "onedrive", "drive"])
def test_rclone_that_is_killed_in_the_middle_publishes_nothing_broken(
    uploads: Uploads, cloud: str
) -> None:
    uploads.target("cloud", f"{cloud}:", path="{name}", bandwidth_limit="1M")
    download_id = uploads.add("film.mkv", LARGE)
    with uploads.worker() as uploader:
        while uploads.one(download_id).uploaded_bytes == 0:
            uploader.step()
        assert uploads.processes is not None
        (process,) = uploads.processes._processes.values()
        assert process.process_id is not None
        os.kill(process.process_id, signal.SIGKILL)
        while uploads.one(download_id).state == "uploading":
            uploader.step()
    row = uploads.one(download_id)
    assert (row.state, row.failure_code, row.attempts) == ("pending", "rclone_error", 1)
    assert "film.mkv" not in uploads.clouds.published(cloud)
    uploads.targets["cloud"]["bandwidth_limit"] = ""
    uploads.pass_time()
    uploads.run()
    assert uploads.one(download_id).state == "cleaned"
    assert_published_once(uploads, cloud, LARGE)


def test_rclone_ends_with_a_worker_that_is_killed(uploads: Uploads) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from sync_assets.relay.rclone.process import RcloneProcess\n"
        "from sync_assets.ops.tools import TOOLS\n"
        "process = RcloneProcess(TOOLS['rclone'].installed, {})\n"
        "process.client()\n"
        "print(process.process_id, flush=True)\n"
        "time.sleep(600)\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    process_id = int(worker.stdout.readline())
    environment = Path(f"/proc/{process_id}/environ").read_bytes()
    (socket,) = [
        Path(each.partition(b"=unix://")[2].decode())
        for each in environment.split(b"\0")
        if each.startswith(b"RCLONE_RC_ADDR=")
    ]
    assert socket.is_socket()
    assert socket.parent.stat().st_mode & 0o077 == 0, "nobody else may reach it"
    worker.kill()
    worker.wait()
    worker.stdout.close()
    wait_until(lambda: not Path(f"/proc/{process_id}").exists(), "rclone has ended")


# What users want.


def under_way(uploads: Uploads, download_id: int, uploader: Uploader) -> None:
    while uploads.one(download_id).uploaded_bytes == 0:
        uploader.step()


@pytest.mark.parametrize("cloud", ["gdrive", "drive"])
def test_a_cancelled_upload_leaves_nothing_at_its_target(uploads: Uploads, cloud: str) -> None:
    uploads.target("cloud", f"{cloud}:", path="{name}", bandwidth_limit="1M")
    download_id = uploads.add("film.mkv", LARGE)
    with uploads.worker() as uploader:
        under_way(uploads, download_id, uploader)
        uploads.wish(rows.cancel_upload, uploads.one(download_id).id)
        while uploader.step():
            pass
    row = uploads.one(download_id)
    assert (row.state, row.command, row.failure_code) == ("cancelled", None, "user")
    assert uploads.clouds.published(cloud) == {}
    assert Path(row.download_path).exists()
    uploads.targets["cloud"]["bandwidth_limit"] = ""
    uploads.wish(rows.retry_upload, row.id)
    uploads.run()
    assert uploads.one(download_id).state == "cleaned"
    assert_published_once(uploads, cloud, LARGE)


def test_what_a_killed_worker_left_of_a_cancelled_upload_is_removed(uploads: Uploads) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    download_id = uploads.add("film.mkv", CONTENT)
    row = uploads.one(download_id)
    with uploads.ledger.write() as connection:
        rows.start(connection, {row.id: "film.mkv"}, run_id=None)
    part = uploads.clouds.files["gdrive"] / f".part-{row.part_id}.mkv"
    part.write_bytes(CONTENT[:100])
    uploads.wish(rows.cancel_upload, row.id)
    uploads.run()
    assert not part.exists()
    assert uploads.one(download_id).command is None


def test_a_paused_upload_rests_until_it_is_resumed(uploads: Uploads) -> None:
    uploads.target("cloud", "gdrive:", path="{name}", bandwidth_limit="1M")
    download_id = uploads.add("film.mkv", LARGE)
    with uploads.worker() as uploader:
        under_way(uploads, download_id, uploader)
        uploads.wish(rows.pause_upload, uploads.one(download_id).id)
        while uploader.step():
            pass
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.bytes_per_second) == ("paused", 0)
    assert uploads.clouds.published("gdrive") == {}
    uploads.targets["cloud"]["bandwidth_limit"] = ""
    uploads.wish(rows.resume_upload, row.id)
    uploads.run()
    assert_published_once(uploads, "gdrive", LARGE)


def test_what_is_under_way_when_the_time_is_over_comes_to_its_end(uploads: Uploads) -> None:
    uploads.target("cloud", "gdrive:", path="{name}", bandwidth_limit="1M")
    uploads.options["upload_concurrency"] = 1
    first = uploads.add("film.mkv", LARGE)
    with uploads.worker() as uploader:
        under_way(uploads, first, uploader)
        second = uploads.add("other.mkv", CONTENT)
        uploader.step()
        drive_to_rest([uploader], seconds=0)
    assert uploads.one(first).state in ("completed", "cleaned")
    assert uploads.one(second).state == "pending"


def test_a_file_that_is_gone_fails_its_uploads_to_all_targets(uploads: Uploads) -> None:
    for name, cloud in (("one", "gdrive"), ("two", "drive")):
        uploads.target(name, f"{cloud}:", path="{name}")
    lost, other = uploads.add("film.mkv", CONTENT), uploads.add("other.mkv", CONTENT)
    Path(uploads.download(lost).path).unlink()
    uploads.run()
    found = uploads.of(lost).values()
    assert {(row.state, row.failure_code) for row in found} == {("failed", "file_missing")}
    assert uploads.download(lost).state == "failed"
    assert {row.state for row in uploads.of(other).values()} == {"cleaned"}


def test_a_path_too_long_for_a_socket_is_said_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    process = RcloneProcess(TOOLS["rclone"].installed, {})
    with pytest.raises(RcloneStartError, match="TMPDIR"):
        process.client()
    assert list(long.iterdir()) == []


def test_the_users_own_remote_control_is_not_asked(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RCLONE_RC_USER", "somebody")
    monkeypatch.setenv("RCLONE_RC_PASS", "something")
    uploads.target("cloud", "gdrive:", path="{name}")
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    assert uploads.one(download_id).state == "cleaned"


@pytest.mark.parametrize("remote", ["gdrive:", "onedrive:"])
def test_a_user_who_gives_all_files_other_names_loses_none_here(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch, remote: str
) -> None:
    monkeypatch.setenv("RCLONE_NAME_TRANSFORM", "lowercase")
    uploads.target("cloud", remote, path="{name}")
    contents = {name: name.encode() for name in ("Film.mkv", "FILM.mkv")}
    for name, content in contents.items():
        uploads.add(name, content)
        uploads.run()
    assert uploads.clouds.published(remote.rstrip(":")) == contents


# What clouds say.


@pytest.mark.parametrize(
    ("status", "code"), [(507, "quota_full"), (401, "wrong_secret"), (403, "forbidden")]
)
def test_what_only_a_user_can_cure_fails_with_its_reason(
    uploads: Uploads, faulty: FaultyCloud, status: int, code: str
) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    faulty.refuse("PUT", status)
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.failure_code) == ("failed", code)
    assert "retry" in row.failure_reason
    asked = faulty.requests["PUT"]
    uploads.run()
    assert faulty.requests["PUT"] == asked
    assert Path(row.download_path).exists()
    faulty.refusals.clear()
    uploads.wish(rows.retry_upload, row.id)
    uploads.run()
    assert uploads.one(download_id).state == "cleaned"
    assert_published_once(uploads, "gdrive")


def test_a_full_storage_is_asked_once_and_what_waits_goes_on_with_a_retry(
    uploads: Uploads, faulty: FaultyCloud
) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    uploads.options["upload_concurrency"] = 1
    faulty.refuse("PUT", 507)
    # More than are begun at a time.
    ids = [uploads.add(f"{number}.mkv", CONTENT) for number in range(20)]
    uploads.run()
    found = [uploads.one(each) for each in ids]
    (failed,) = [row for row in found if row.state == "failed"]
    assert {row.state for row in found if row is not failed} == {"pending"}
    assert {row.failure_code for row in found} == {"quota_full"}
    # What was held back leaves nothing there, and asks for nothing.
    assert faulty.requests["PUT"] == 1
    assert faulty.requests["DELETE"] <= 1
    faulty.refusals.clear()
    uploads.wish(rows.retry_upload, failed.id)
    uploads.run()
    assert {uploads.one(each).state for each in ids} == {"cleaned"}


@pytest.mark.parametrize(("status", "code"), [(429, "rate_limited"), (503, "server_error")])
def test_a_cloud_that_refuses_for_now_is_tried_again(
    uploads: Uploads, faulty: FaultyCloud, status: int, code: str
) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    faulty.refuse("PUT", status, times=3)
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    with uploads.ledger.read() as connection:
        history = read_events(connection, entity="relay_upload", entity_id=str(row.id))
    assert code in [event.detail.get("failure_code") for event in history]
    assert (row.state, row.failure_code) == ("cleaned", None)
    assert_published_once(uploads, "gdrive")


def test_a_cloud_that_is_down_is_tried_again_and_then_given_up(uploads: Uploads) -> None:
    uploads.target("cloud", "onedrive:", path="{name}")
    uploads.clouds.stop("onedrive")
    uploads.options["max_attempts"] = 2
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.failure_code, row.attempts) == ("failed", "network", 2)
    uploads.clouds.start("onedrive")
    uploads.wish(rows.retry_upload, row.id)
    uploads.run()
    assert (uploads.one(download_id).state, uploads.one(download_id).retries) == ("cleaned", 1)


def test_nothing_is_left_at_the_target_of_an_upload_that_has_failed(
    uploads: Uploads, faulty: FaultyCloud
) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    faulty.refuse("MOVE", 503)
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.failure_code, row.command) == ("failed", "server_error", None)
    assert faulty.requests["PUT"] > 0
    assert uploads.clouds.published("gdrive") == {}
    assert Path(row.download_path).exists()


def test_a_part_that_a_target_does_not_let_go_is_reported_and_removed_later(
    uploads: Uploads, faulty: FaultyCloud, caplog: pytest.LogCaptureFixture
) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    faulty.refuse("MOVE", 503)
    faulty.refuse("DELETE", 403)
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    assert uploads.one(download_id).state == "failed"
    assert len(uploads.clouds.parts()) == 1
    assert "has left a part at its target" in caplog.text
    faulty.refusals.clear()
    uploads.pass_time()
    uploads.run()
    assert uploads.clouds.parts() == []
    uploads.wish(rows.retry_upload, uploads.one(download_id).id)
    uploads.run()
    assert_published_once(uploads, "gdrive")


@pytest.mark.parametrize("cloud", ["gdrive", "onedrive"])
def test_a_wrong_password_is_said_and_holds_nothing_else_up(uploads: Uploads, cloud: str) -> None:
    uploads.target("cloud", f"{cloud}:", path="{name}")
    uploads.target("good", "drive:", path="{name}")
    uploads.clouds.configure(password="wrong")
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    found = uploads.of(download_id)
    assert (found["cloud"].state, found["cloud"].failure_code) == ("failed", "wrong_secret")
    assert found["good"].state == "completed"
    uploads.clouds.configure()
    uploads.wish(rows.retry_upload, found["cloud"].id)
    uploads.run()
    assert {row.state for row in uploads.of(download_id).values()} == {"cleaned"}


def test_a_target_that_is_not_configured_any_more_is_said(uploads: Uploads) -> None:
    uploads.target("cloud", "drive:")
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.targets.clear()
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.failure_code) == ("failed", "unknown_target")
    assert Path(row.download_path).exists()


# What happens to files meanwhile.


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda path: path.unlink(), ReasonCode.FILE_MISSING),
        (lambda path: path.write_bytes(bytes(len(CONTENT))), ReasonCode.WRONG_CHECKSUM),
        (lambda path: path.write_bytes(CONTENT[:-1]), ReasonCode.WRONG_CHECKSUM),
    ],
    ids=["gone", "damaged", "shorter"],
)
def test_a_local_file_that_is_not_what_was_downloaded_is_fetched_again(
    uploads: Uploads, damage: Callable[[Path], object], code: ReasonCode
) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    download_id = uploads.add("film.mkv", CONTENT)
    damage(Path(uploads.one(download_id).download_path))
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.failure_code, row.download_state) == ("failed", code, "failed")
    assert "film.mkv" not in uploads.clouds.published("gdrive")
    assert not uploads.folder(download_id).exists()
    uploads.wish(downloads.retry, download_id)
    assert uploads.one(download_id).state == "waiting_download"
    uploads.complete(download_id, CONTENT)
    uploads.run()
    assert uploads.one(download_id).state == "cleaned"
    assert_published_once(uploads, "gdrive")


def test_the_local_file_stays_where_the_published_one_was_removed(uploads: Uploads) -> None:
    uploads.target("cloud", "gdrive:", path="{name}")
    uploads.target("slow", "drive:", path="{name}")
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.wish(rows.pause_upload, uploads.of(download_id)["slow"].id)
    uploads.run()
    assert uploads.of(download_id)["cloud"].state == "completed"
    (uploads.clouds.files["gdrive"] / "film.mkv").unlink()
    uploads.wish(rows.resume_upload, uploads.of(download_id)["slow"].id)
    uploads.completed_earlier(utc_now() - timedelta(hours=1))
    uploads.run()
    row = uploads.of(download_id)["cloud"]
    assert (row.state, row.failure_code) == ("failed", "remote_changed")
    assert (row.media_state, Path(row.download_path).read_bytes()) == ("downloaded", CONTENT)
    uploads.wish(rows.retry_upload, row.id)
    uploads.run()
    assert {each.state for each in uploads.of(download_id).values()} == {"cleaned"}
    assert_published_once(uploads, "gdrive")


def test_a_file_that_cannot_be_compared_is_kept(uploads: Uploads) -> None:
    uploads.target("cloud", "onedrive:", path="{name}")
    uploads.target("slow", "drive:", path="{name}")
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.wish(rows.pause_upload, uploads.of(download_id)["slow"].id)
    uploads.run()
    uploads.clouds.stop("onedrive")
    uploads.wish(rows.resume_upload, uploads.of(download_id)["slow"].id)
    uploads.completed_earlier(utc_now() - timedelta(hours=1))
    uploads.run()
    row = uploads.of(download_id)["cloud"]
    assert (row.state, row.media_state) == ("completed", "relayed")
    assert Path(row.download_path).exists()
    uploads.clouds.start("onedrive")
    uploads.pass_time()
    uploads.run()
    assert uploads.of(download_id)["cloud"].state == "cleaned"


def test_uploads_follow_their_download(uploads: Uploads) -> None:
    uploads.target("cloud", "drive:", path="{name}")
    download_id = uploads.want("film.mkv")
    uploads.run()
    assert uploads.one(download_id).state == "waiting_download"
    uploads.wish(downloads.cancel, download_id)
    row = uploads.one(download_id)
    assert (row.state, row.failure_code) == ("cancelled", "download_cancelled")
    uploads.wish(downloads.retry, download_id)
    assert uploads.one(download_id).state == "waiting_download"
    uploads.complete(download_id, CONTENT)
    uploads.run()
    assert uploads.one(download_id).state == "cleaned"
