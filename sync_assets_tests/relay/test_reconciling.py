"""Each difference between the ledger and what is: found, and repaired where that is safe."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import LeaseHeldError, hold_lease
from sync_assets.ledger.schema import relay_downloads, relay_media
from sync_assets.ledger.types import utc_now
from sync_assets.ops.tools import TOOLS
from sync_assets.relay.aria2.process import Aria2Process
from sync_assets.relay.aria2.source import aria2_options
from sync_assets.relay.models import LEASE_NAME
from sync_assets.relay.reconciling import Difference, Finding, reconcile
from sync_assets.relay.uploading.paths import part_path
from sync_assets.settings.relay import RelaySettings
from sync_assets_tests.relay.uploading import Uploads
from sync_assets_tests.upstreams.clouds import Clouds

CONTENT = b"a film" * 1_000


@pytest.fixture
def relay(sqlite_ledger: Ledger, tmp_path: Path) -> Iterator[Uploads]:
    """A relay with one target, and with one file that is there and kept here."""
    with Clouds(tmp_path / "clouds") as clouds:
        found = Uploads(sqlite_ledger, tmp_path, clouds, options={"clean_local_files": False})
        found.target("cloud", "drive:", path="films/{name}")
        yield found


def differences(relay: Uploads, *, fix: bool = False) -> list[Finding]:
    return list(reconcile(relay.settings(), relay.ledger, fix=fix))


def assert_repaired(relay: Uploads, *expected: Difference) -> None:
    """Require some differences, that they are only reported at first, and gone once repaired."""
    for fix in (False, True):
        found = differences(relay, fix=fix)
        assert [each.difference for each in found] == list(expected)
        assert [each.is_repaired for each in found] == [fix] * len(expected)
    assert differences(relay) == []


def assert_left(relay: Uploads, expected: Difference) -> None:
    """Require a difference that nobody repairs without a look at it."""
    (found,) = differences(relay, fix=True)
    assert (found.difference, found.is_repaired) == (expected, False)
    assert [each.difference for each in differences(relay)] == [expected]


def test_what_agrees_has_no_differences(relay: Uploads) -> None:
    relay.add("film.mkv", CONTENT)
    relay.run()
    relay.add("waits.mkv", CONTENT)
    relay.want("open.mkv")
    assert differences(relay) == []


def test_nothing_is_compared_while_a_worker_is_at_work(relay: Uploads) -> None:
    with (
        hold_lease(relay.ledger, LEASE_NAME, purpose="a run"),
        pytest.raises(LeaseHeldError),
    ):
        differences(relay)


def test_a_file_that_is_gone_before_its_upload_is_fetched_again(relay: Uploads) -> None:
    download_id = relay.add("film.mkv", CONTENT)
    shutil.rmtree(relay.folder(download_id))
    assert_repaired(relay, Difference.FILE_MISSING)
    row = relay.download(download_id)
    assert (row.state, row.media_state) == ("pending", "arrived")
    assert relay.one(download_id).state == "waiting_download"


def test_a_file_that_is_gone_and_that_all_targets_have_counts_as_removed(relay: Uploads) -> None:
    download_id = relay.add("film.mkv", CONTENT)
    relay.run()
    shutil.rmtree(relay.folder(download_id))
    assert_repaired(relay, Difference.FILE_MISSING)
    assert relay.one(download_id).state == "cleaned"
    assert relay.download(download_id).cleaned_at is not None


def test_a_file_of_another_size_is_left_to_its_user(relay: Uploads) -> None:
    download_id = relay.add("film.mkv", CONTENT)
    (relay.folder(download_id) / "film.mkv").write_bytes(b"something else")
    assert_left(relay, Difference.FILE_CHANGED)
    assert (relay.folder(download_id) / "film.mkv").read_bytes() == b"something else"


def test_a_folder_of_no_download_is_left_to_its_user(relay: Uploads) -> None:
    foreign = relay.settings().relay.download_directory / "my own"
    foreign.mkdir(parents=True)
    assert_left(relay, Difference.FOLDER_UNKNOWN)
    assert foreign.is_dir()


def test_a_file_that_counts_as_removed_and_is_there_is_removed(relay: Uploads) -> None:
    relay.options["clean_local_files"] = True
    download_id = relay.add("film.mkv", CONTENT)
    relay.run()
    relay.folder(download_id).mkdir()
    assert_repaired(relay, Difference.NOT_CLEANED)
    assert not relay.folder(download_id).exists()


def test_a_file_that_counts_as_removed_before_all_have_it_is_kept(relay: Uploads) -> None:
    download_id = relay.add("film.mkv", CONTENT)
    with relay.ledger.write() as connection:
        connection.execute(update(relay_downloads).values(cleaned_at=utc_now()))
    assert_left(relay, Difference.CLEANED_EARLY)
    assert (relay.folder(download_id) / "film.mkv").read_bytes() == CONTENT


def test_a_medium_that_is_behind_is_brought_to_its_state(relay: Uploads) -> None:
    download_id = relay.add("film.mkv", CONTENT)
    relay.run()
    with relay.ledger.write() as connection:
        connection.execute(update(relay_media).values(state="downloaded"))
    assert_repaired(relay, Difference.MEDIA_BEHIND)
    assert relay.download(download_id).media_state == "relayed"


@pytest.mark.parametrize("change", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_a_file_that_its_target_has_lost_is_uploaded_again(relay: Uploads, change) -> None:
    download_id = relay.add("film.mkv", CONTENT)
    relay.run()
    published = relay.clouds.files["drive"] / "films" / "film.mkv"
    change(published)
    assert_repaired(relay, Difference.REMOTE_MISSING)
    assert relay.one(download_id).state == "pending"
    if published.exists():
        published.unlink()
    relay.run()
    assert published.read_bytes() == CONTENT


def test_a_lost_file_that_is_removed_here_too_is_reported(relay: Uploads) -> None:
    relay.options["clean_local_files"] = True
    relay.add("film.mkv", CONTENT)
    relay.run()
    (relay.clouds.files["drive"] / "films" / "film.mkv").unlink()
    assert_left(relay, Difference.REMOTE_MISSING)


def test_a_part_of_an_upload_that_has_ended_is_removed(relay: Uploads) -> None:
    download_id = relay.add("film.mkv", CONTENT)
    relay.run()
    row = relay.one(download_id)
    part = relay.clouds.files["drive"] / part_path(row.remote_path, row.part_id, is_folder=False)
    part.write_bytes(b"half")
    assert_repaired(relay, Difference.PART_LEFT)
    assert relay.clouds.parts() == []


def test_a_part_of_somebody_else_is_left_alone(relay: Uploads) -> None:
    relay.add("film.mkv", CONTENT)
    relay.run()
    (relay.clouds.files["drive"] / "films" / ".part-of-mine.mkv").write_bytes(b"mine")
    assert_left(relay, Difference.PART_LEFT)
    assert len(relay.clouds.parts()) == 1


def test_a_target_that_cannot_be_reached_hides_no_other_difference(relay: Uploads) -> None:
    relay.target("far", "gdrive:", path="{name}")
    relay.add("film.mkv", CONTENT)
    relay.run()
    relay.clouds.stop("gdrive")
    (relay.clouds.files["drive"] / "films" / "film.mkv").unlink()
    found = {each.difference for each in differences(relay)}
    assert found == {Difference.REMOTE_MISSING, Difference.TARGET_UNREACHABLE}


def test_a_task_that_writes_to_the_download_directory_for_nobody_is_removed(
    relay: Uploads, tmp_path: Path
) -> None:
    aria2 = Aria2Process(
        TOOLS["aria2c"].installed, tmp_path / "aria2", aria2_options(RelaySettings())
    )
    try:
        client = aria2.client()
        secret = client._token.removeprefix("token:")
        relay.options["aria2"] = {"url": f"http://{client._address}/jsonrpc", "secret": secret}
        root = relay.settings().relay.download_directory
        for folder in (root / "x", tmp_path / "elsewhere"):
            client.call(
                "aria2.addUri", ["http://127.0.0.1:1/none"], {"dir": str(folder), "pause": "true"}
            )
        assert_repaired(relay, Difference.TASK_UNKNOWN)
        assert len(client.call("aria2.tellWaiting", 0, 10)) == 1
    finally:
        aria2.stop()
