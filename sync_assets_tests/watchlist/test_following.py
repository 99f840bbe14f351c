"""Downloads become files in the library; what fails comes back, and not for ever."""

from pathlib import Path

import pytest
from sqlalchemy import select

from sync_assets import relay
from sync_assets.ledger.inbox import waiting
from sync_assets.ledger.schema import relay_media
from sync_assets.relay import downloads
from sync_assets.watchlist import episode_wishes, episodes, items
from sync_assets.watchlist.models import ItemState
from sync_assets.watchlist.waiting import has_work
from sync_assets_tests.watchlist.watching import Watching

ONE = "[Group] Hoshizora - 01 (1080p).mkv"
TWO = "[Group] Hoshizora - 02 (1080p).mkv"


@pytest.fixture
def library(watching: Watching, tmp_path: Path) -> Path:
    watching.options["library"] = {"directory": str(tmp_path / "library")}
    return tmp_path / "library"


def write(path: Path, content: bytes = b"video") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def files(library: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(library)): path.read_bytes()
        for path in library.rglob("*")
        if path.is_file()
    }


def queue_one(watching: Watching, *names: str, **fields) -> int:
    watching.publish("/show", *(names or (ONE,)))
    item_id = watching.add(**fields)
    watching.run()
    return item_id


def test_a_file_goes_to_the_library_by_template(
    watching: Watching, library: Path, tmp_path: Path
) -> None:
    item_id = queue_one(watching)
    source = write(tmp_path / "downloads" / "x.mkv")
    watching.finish(source)
    assert watching.run().numbers["downloaded"] == 1
    assert files(library) == {"Hoshizora/Season 01/Hoshizora - S01E01.mkv": b"video"}
    row = watching.rows(item_id)["1"]
    assert row.state == "downloaded"
    assert Path(row.path).samefile(source)
    assert row.resolution == 1080
    assert row.downloaded_at is not None


@pytest.mark.parametrize("has_library", [True, False])
def test_what_goes_to_the_library_is_not_uploaded_and_removed(
    watching: Watching, tmp_path: Path, *, has_library: bool
) -> None:
    if has_library:
        watching.options["library"] = {"directory": str(tmp_path / "library")}
    queue_one(watching)
    with watching.ledger.read() as connection:
        targets = connection.execute(select(relay_media.c.targets)).scalar_one()
    assert targets == ([] if has_library else None)


def test_an_item_has_its_own_folder(watching: Watching, library: Path, tmp_path: Path) -> None:
    queue_one(watching, folder_template="Anime/{title} [{language}]")
    watching.finish(write(tmp_path / "x.mkv"))
    watching.run()
    assert list(files(library)) == ["Anime/Hoshizora/Hoshizora - S01E01.mkv"]


def test_a_folder_template_that_is_wrong_loses_no_file(
    watching: Watching, library: Path, tmp_path: Path
) -> None:
    item_id = queue_one(watching, folder_template="../{nonsense}")
    source = write(tmp_path / "x.mkv")
    watching.finish(source)
    watching.run()
    row = watching.rows(item_id)["1"]
    assert (row.state, row.path) == ("downloaded", str(source))
    assert "{nonsense}" in row.reason
    with watching.ledger.write() as connection:
        items.edit(connection, item_id, folder_template=None)
    watching.run()
    assert list(files(library)) == ["Hoshizora/Season 01/Hoshizora - S01E01.mkv"]


def test_without_a_library_files_stay_with_the_relay(watching: Watching, tmp_path: Path) -> None:
    item_id = queue_one(watching)
    source = write(tmp_path / "x.mkv")
    watching.finish(source)
    watching.run()
    assert watching.rows(item_id)["1"].path == str(source)


def test_what_is_there_from_somebody_else_stays(
    watching: Watching, library: Path, tmp_path: Path
) -> None:
    item_id = queue_one(watching)
    foreign = write(library / "Hoshizora/Season 01/Hoshizora - S01E01.mkv", b"foreign")
    source = write(tmp_path / "x.mkv")
    watching.finish(source)
    report = watching.run()
    assert foreign.read_bytes() == b"foreign"
    row = watching.rows(item_id)["1"]
    assert (row.state, row.path) == ("downloaded", str(source))
    assert "another file" in row.reason
    assert len(report.followed.problems) == 1
    foreign.unlink()
    watching.run()
    assert foreign.samefile(source)


def test_each_episode_of_a_batch_gets_its_file(
    watching: Watching, library: Path, tmp_path: Path
) -> None:
    item_id = queue_one(watching, "[Group] Hoshizora (01-04) (1080p) [Batch]")
    folder = tmp_path / "batch"
    for number in (1, 2, 4):
        write(folder / f"[Group] Hoshizora - {number:02} (1080p).mkv", b"%d" % number)
    write(folder / "Extras" / "[Group] Hoshizora - NCOP1 (1080p).mkv", b"opening opening")
    write(folder / "readme.txt")
    watching.finish(folder)
    watching.run()
    assert sorted(files(library).values()) == [b"1", b"2", b"4"]
    assert watching.states(item_id) == {
        "1": "downloaded",
        "2": "downloaded",
        "3": "failed",
        "4": "downloaded",
    }
    assert "does not hold it" in watching.rows(item_id)["3"].reason
    watching.pass_pauses()
    watching.run()
    assert len(watching.downloads()) == 1


def test_of_a_folder_with_one_episode_the_largest_video_counts(
    watching: Watching, library: Path, tmp_path: Path
) -> None:
    queue_one(watching)
    write(tmp_path / "folder" / "sample.mkv", b"s")
    write(tmp_path / "folder" / "any name.mp4", b"the episode")
    watching.finish(tmp_path / "folder")
    watching.run()
    assert files(library) == {"Hoshizora/Season 01/Hoshizora - S01E01.mp4": b"the episode"}


def test_a_corrected_version_replaces_the_file(
    watching: Watching, library: Path, tmp_path: Path
) -> None:
    watching.options["choosing"] = {"replaces_versions": True}
    item_id = queue_one(watching)
    watching.finish(write(tmp_path / "1.mkv", b"first"))
    watching.run()
    watching.publish("/show", ONE, "[Group] Hoshizora - 01v2 (1080p).mkv")
    watching.recheck()
    assert files(library) == {"Hoshizora/Season 01/Hoshizora - S01E01.mkv": b"first"}
    watching.finish(write(tmp_path / "2.mkv", b"second"))
    watching.run()
    assert files(library) == {"Hoshizora/Season 01/Hoshizora - S01E01.mkv": b"second"}
    assert watching.rows(item_id)["1"].version == 2
    watching.recheck()
    assert len(watching.downloads()) == 2


def test_a_correction_that_fails_leaves_the_earlier_version(
    watching: Watching, library: Path, tmp_path: Path
) -> None:
    watching.options["choosing"] = {"replaces_versions": True}
    item_id = queue_one(watching)
    watching.finish(write(tmp_path / "1.mkv", b"first"))
    watching.run()
    watching.publish("/show", ONE, "[Group] Hoshizora - 01v2 (1080p).mkv")
    watching.recheck()
    watching.fail()
    watching.run()
    row = watching.rows(item_id)["1"]
    assert (row.state, row.version) == ("downloaded", 1)
    assert list(files(library).values()) == [b"first"]


def test_after_a_failure_another_release_is_taken(watching: Watching) -> None:
    item_id = queue_one(watching, ONE, "[Other] Hoshizora - 01 (720p).mkv")
    watching.fail()
    watching.run()
    assert watching.states(item_id) == {"1": "failed"}
    watching.recheck()
    assert watching.states(item_id) == {"1": "queued"}
    assert len(watching.downloads()) == 2


def test_a_failed_release_comes_back_and_not_for_ever(watching: Watching) -> None:
    watching.options["choosing"] = {"max_attempts": 2}
    item_id = queue_one(watching)
    watching.fail()
    watching.run()
    row = watching.rows(item_id)["1"]
    assert (row.state, row.attempts) == ("failed", 1)
    assert "Find another one" in row.reason
    watching.recheck()
    assert watching.states(item_id) == {"1": "failed"}
    watching.pass_pauses()
    watching.run()
    assert watching.states(item_id) == {"1": "queued"}
    watching.fail()
    watching.run()
    watching.pass_pauses()
    watching.run()
    assert watching.states(item_id) == {"1": "failed"}
    assert len(watching.downloads()) == 1
    with watching.ledger.write() as connection:
        episode_wishes.retry(connection, watching.rows(item_id)["1"])
    watching.run()
    assert watching.states(item_id) == {"1": "queued"}


def test_a_download_that_a_user_revived_in_the_relay_counts(
    watching: Watching, tmp_path: Path
) -> None:
    item_id = queue_one(watching)
    watching.fail()
    watching.run()
    with watching.ledger.write() as connection:
        relay.try_again(connection, watching.downloads()[0].media_id)
    watching.finish(write(tmp_path / "x.mkv"))
    watching.run()
    assert watching.states(item_id) == {"1": "downloaded"}


def test_what_a_user_cancels_in_the_relay_is_not_taken_again(watching: Watching) -> None:
    item_id = queue_one(watching)
    with watching.ledger.write() as connection:
        downloads.cancel(connection, watching.downloads()[0].id)
    watching.run()
    watching.recheck()
    assert watching.states(item_id) == {"1": "skipped"}


def test_a_place_that_gets_free_is_used(watching: Watching, tmp_path: Path) -> None:
    item_id = queue_one(watching, ONE, TWO, "[Group] Hoshizora - 03 (1080p).mkv")
    assert watching.states(item_id)["3"] == "wanted"
    watching.finish(write(tmp_path / "x.mkv"))
    watching.run()
    assert watching.states(item_id) == {"1": "downloaded", "2": "queued", "3": "queued"}


def test_the_strm_jobs_are_told_once(watching: Watching, tmp_path: Path) -> None:
    job = {"source": {"path": "/media"}, "output": "/library", "url_template": "http://nas/{path}"}
    watching.strm = {"jobs": {"shows": job}}
    queue_one(watching)
    watching.finish(write(tmp_path / "x.mkv"))
    watching.run()
    watching.run()
    with watching.ledger.read() as connection:
        told = waiting(connection, "internal")
    assert told is not None
    assert told.count == 1


def test_an_item_with_all_its_episodes_is_complete_and_opens_again(
    watching: Watching, tmp_path: Path
) -> None:
    item_id = queue_one(watching, ONE, TWO, expected_episodes=2)
    watching.finish(write(tmp_path / "1.mkv"), write(tmp_path / "2.mkv"))
    assert watching.run().completed == [item_id]
    assert watching.item(item_id).state == ItemState.COMPLETED
    # Nobody looks any more, unless by hand.
    assert watching.recheck().numbers["checked"] == 0
    watching.publish("/show", ONE, TWO, "[Group] Hoshizora - 03 (1080p).mkv")
    watching.run(item_id)
    assert watching.item(item_id).state == ItemState.ACTIVE
    assert watching.states(item_id)["3"] == "queued"


def test_there_is_work_exactly_while_something_is_to_be_done(
    watching: Watching, tmp_path: Path
) -> None:
    def is_work() -> bool:
        with watching.ledger.read() as connection:
            return has_work(connection, watching.settings.watchlist)

    assert not is_work()
    item_id = queue_one(watching, ONE, TWO, "[Group] Hoshizora - 03 (1080p).mkv")
    assert not is_work()
    watching.finish(write(tmp_path / "x.mkv"))
    assert is_work()
    watching.run()
    assert not is_work()
    watching.fail()
    assert is_work()
    watching.run()
    assert not is_work()
    with watching.ledger.write() as connection:
        row = watching.rows(item_id)["2"]
        episode_wishes.want(connection, episodes.get(connection, row.id))
    assert is_work()
