"""A drive below a job's source that goes away leaves an empty folder: nothing may be deleted."""

import os
import shutil
from pathlib import Path

import pytest

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.settings.strm import DeletionSettings, LocalSourceSettings, StrmJobSettings
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.pipeline import clean_orphans, list_source, write_tree
from sync_assets.strm.sources import SourceUnavailableError, mount_points
from sync_assets_tests.support.media import tree_of, write_media


class Shelf:
    """One job on folders of a test; a folder of its source is a drive for as long as it is named.

    Attributes:
        drives: The folders that are on a device of their own.
    """

    def __init__(self, base: Path, ledger: Ledger, lake: Lake) -> None:
        self.media = base / "media"
        self.output = base / "library"
        self.drives: set[str] = set()
        self._ledger = ledger
        self._lake = lake
        self.remembers = True

    def scan(self) -> tuple[int, int, int]:
        """Run the three stages; return how many files were deleted, wait, are protected."""
        settings = StrmJobSettings(
            source=LocalSourceSettings(path=self.media, remember_mounts=self.remembers),
            output=self.output,
            url_template="http://nas/{path}",
            deletion=DeletionSettings(maximum_ratio=1),
        )
        with hold_lease(self._ledger, "strm", purpose="test") as lease:
            job = JobRun("movies", settings, lease, self._ledger, self._lake)
            list_source(job)
            write_tree(job)
            numbers = clean_orphans(job).numbers
        return numbers["deleted"], numbers["waiting"], numbers["protected"]


@pytest.fixture
def shelf(tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    shelf = Shelf(tmp_path, ledger, Lake(tmp_path / "lake"))
    monkeypatch.setattr(
        mount_points,
        "is_mount_point",
        lambda path: os.path.relpath(path, shelf.media) in shelf.drives,
    )
    write_media(shelf.media, [f"disk/Film {n}/Film {n}.mkv" for n in range(12)])
    write_media(shelf.media, [f"other/Film {n}.mkv" for n in range(30)])
    return shelf


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def test_trap_4_a_folder_that_was_a_mount_point_and_is_none_is_protected(shelf: Shelf) -> None:
    shelf.drives = {"disk/Film 3"}
    shelf.scan()
    shelf.drives = set()
    empty(shelf.media / "disk" / "Film 3")
    assert shelf.scan() == (0, 0, 1)
    assert len(tree_of(shelf.output)) == 42


def test_trap_4_what_lies_beneath_a_mount_point_proves_nothing_but_is_there(shelf: Shelf) -> None:
    shelf.drives = {"disk/Film 3"}
    shelf.scan()
    shelf.drives = set()
    empty(shelf.media / "disk" / "Film 3")
    write_media(shelf.media, ["disk/Film 3/beneath.mkv"])
    deleted, waiting, _ = shelf.scan()
    assert (deleted, waiting) == (0, 0)
    assert len(tree_of(shelf.output)) == 43


def test_trap_4_a_source_that_was_a_mount_point_and_is_none_stops_everything(shelf: Shelf) -> None:
    shelf.drives = {"."}
    shelf.scan()
    shelf.drives = set()
    empty(shelf.media)
    with pytest.raises(SourceUnavailableError, match="none is now"):
        shelf.scan()
    assert len(tree_of(shelf.output)) == 42


def test_a_drive_that_is_mounted_again_is_followed_again(shelf: Shelf) -> None:
    shelf.drives = {"disk/Film 3"}
    shelf.scan()
    shelf.drives = set()
    shelf.scan()
    shelf.drives = {"disk/Film 3"}
    (shelf.media / "disk" / "Film 3" / "Film 3.mkv").unlink()
    assert shelf.scan() == (1, 0, 0)


def test_a_mount_that_is_not_to_be_remembered_is_a_folder_like_others(shelf: Shelf) -> None:
    shelf.drives = {"disk/Film 3"}
    shelf.scan()
    shelf.drives = set()
    shelf.remembers = False
    empty(shelf.media / "disk" / "Film 3")
    assert shelf.scan() == (1, 0, 0)


def test_trap_5_a_folder_that_lost_everything_waits_and_the_rest_goes_on(shelf: Shelf) -> None:
    shelf.scan()
    empty(shelf.media / "disk")
    (shelf.media / "other" / "Film 0.mkv").unlink()
    assert shelf.scan() == (1, 12, 0)
    assert len(tree_of(shelf.output)) == 41
    assert shelf.scan() == (0, 12, 0)


def test_trap_5_a_file_of_no_interest_does_not_make_it_a_folder_with_media(shelf: Shelf) -> None:
    shelf.scan()
    empty(shelf.media / "disk")
    (shelf.media / "disk" / "not mounted.txt").touch()
    assert shelf.scan() == (0, 12, 0)


def test_a_folder_that_is_gone_with_all_it_held_is_deleted(shelf: Shelf) -> None:
    shelf.scan()
    shutil.rmtree(shelf.media / "disk")
    assert shelf.scan() == (12, 0, 0)


def test_a_folder_with_one_file_left_is_no_drive_that_went_away(shelf: Shelf) -> None:
    shelf.scan()
    for number in range(11):
        shutil.rmtree(shelf.media / "disk" / f"Film {number}")
    assert shelf.scan() == (11, 0, 0)
