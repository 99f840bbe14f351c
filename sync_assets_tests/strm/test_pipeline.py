"""The pipeline of one job on real folders: what is written, what is kept, what is deleted."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from sync_assets.errors import SyncError
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import Lease, LeaseLostError, hold_lease
from sync_assets.settings.strm import DeletionSettings, LocalSourceSettings, StrmJobSettings
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.models import OwnedFile
from sync_assets.strm.naming import MAXIMUM_NAME_BYTES
from sync_assets.strm.output.directory import TEMPORARY_NAME
from sync_assets.strm.output.root import OutputUnavailableError
from sync_assets.strm.pipeline import (
    ORPHANS,
    clean_orphans,
    list_and_write,
    list_source,
    write_tree,
)
from sync_assets.strm.sources import SourceUnavailableError
from sync_assets_tests.support.media import DIFFICULT_NAMES, tree_of, write_media

URL = "http://nas/{path}"


@dataclass
class Library:
    """One job on folders of a test."""

    media: Path
    output: Path
    ledger: Ledger
    lake: Lake
    lease: Lease
    changes: dict

    @property
    def settings(self) -> StrmJobSettings:
        values: dict[str, Any] = {
            "source": LocalSourceSettings(path=self.media),
            "output": self.output,
            "url_template": URL,
        }
        return StrmJobSettings(**(values | self.changes))

    @property
    def job(self) -> JobRun:
        return JobRun("movies", self.settings, self.lease, self.ledger, self.lake)

    def sync(self, **orphan_options) -> dict[str, int]:
        """Do what a full run does; return all numbers."""
        numbers: dict[str, int] = {"failed": 0}
        for result in (*list_and_write(self.job), clean_orphans(self.job, **orphan_options)):
            numbers |= result.numbers
            numbers["failed"] += len(result.failures)
        return numbers

    def links(self) -> dict[str, str]:
        """Return what each .strm file points at, decoded, by its path."""
        return {
            path: unquote(content.decode().removeprefix("http://nas/"))
            for path, content in tree_of(self.output).items()
        }


@pytest.fixture
def library(tmp_path: Path, sqlite_ledger: Ledger) -> Iterator[Library]:
    with hold_lease(sqlite_ledger, "strm", purpose="test") as lease:
        (tmp_path / "media").mkdir()
        yield Library(
            tmp_path / "media",
            tmp_path / "library",
            sqlite_ledger,
            Lake(tmp_path / "lake"),
            lease,
            {},
        )


def pick(numbers: dict[str, int], *names: str) -> tuple[int, ...]:
    return tuple(numbers[name] for name in names)


def fill(library: Library, count: int = 20) -> None:
    write_media(library.media, [f"Film {number}/Film {number}.mkv" for number in range(count)])


def test_every_difficult_name_becomes_a_file_that_points_at_it(library: Library) -> None:
    names = [*DIFFICULT_NAMES, *(f"Shows/第1季 #1?/{name}" for name in DIFFICULT_NAMES)]
    write_media(library.media, names)
    numbers = library.sync()
    assert pick(numbers, "created", "failed", "deleted") == (len(names) - 2, 0, 0)
    hidden = [name for name in names if name.endswith(".strm.mkv")]
    assert sorted(library.links().values()) == sorted(set(names) - set(hidden))
    for path in tree_of(library.output):
        assert len(Path(path).name.encode()) <= MAXIMUM_NAME_BYTES


def test_a_second_run_touches_nothing(library: Library) -> None:
    fill(library)
    library.sync()
    before = {path: path.stat() for path in library.output.rglob("*")}
    numbers = library.sync()
    assert pick(numbers, "created", "updated", "unchanged", "deleted") == (0, 0, 20, 0)
    for path, status in before.items():
        now = path.stat()
        assert (now.st_mtime_ns, now.st_ctime_ns, now.st_ino) == (
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino,
        )


def test_a_deleted_film_leaves_the_library_with_its_empty_folder(library: Library) -> None:
    fill(library)
    library.sync()
    shutil.rmtree(library.media / "Film 3")
    numbers = library.sync()
    assert pick(numbers, "deleted", "waiting", "unchanged") == (1, 0, 19)
    assert not (library.output / "Film 3").exists()
    assert len(library.links()) == 19


def test_trap_13_files_of_the_user_beside_ours_are_never_touched(library: Library) -> None:
    fill(library)
    library.sync()
    own = {"Film 3/Film 3.nfo": "scraped", "Film 3/extra.strm": "http://mine/", "theme.mp3": "x"}
    for path, text in own.items():
        (library.output / path).write_text(text)
    shutil.rmtree(library.media / "Film 3")
    numbers = library.sync()
    assert numbers["deleted"] == 1
    for path, text in own.items():
        assert (library.output / path).read_text() == text


def test_a_strm_file_that_another_program_wrote_is_kept_unless_told_otherwise(
    library: Library,
) -> None:
    fill(library)
    foreign = library.output / "Film 3" / "Film 3.strm"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("http://other/film3")
    numbers = library.sync()
    assert pick(numbers, "created", "foreign") == (19, 1)
    assert foreign.read_text() == "http://other/film3"
    library.changes["replace_foreign"] = True
    assert pick(library.sync(), "updated", "foreign") == (1, 0)
    assert foreign.read_text() == "http://nas/Film%203/Film%203.mkv"


def test_an_equal_file_that_was_there_before_becomes_ours(library: Library) -> None:
    fill(library)
    path = library.output / "Film 3" / "Film 3.strm"
    path.parent.mkdir(parents=True)
    path.write_text("http://nas/Film%203/Film%203.mkv\n")
    assert pick(library.sync(), "created", "unchanged", "owned") == (19, 1, 20)
    shutil.rmtree(library.media / "Film 3")
    assert library.sync()["deleted"] == 1
    assert not path.exists()


def test_trap_35_an_edited_or_torn_or_empty_file_is_restored(library: Library) -> None:
    fill(library)
    library.sync()
    for number, text in enumerate(["edited", "", "http://nas/Film%202/Fi"]):
        (library.output / f"Film {number}" / f"Film {number}.strm").write_text(text)
    assert pick(library.sync(), "updated", "unchanged") == (3, 17)
    assert library.links()["Film 2/Film 2.strm"] == "Film 2/Film 2.mkv"


def test_a_new_address_rewrites_every_file_once(library: Library) -> None:
    fill(library)
    library.sync()
    library.changes["url_template"] = "https://other/{path}"
    assert pick(library.sync(), "updated", "unchanged") == (20, 0)
    assert pick(library.sync(), "updated", "unchanged") == (0, 20)


def test_trap_4_an_empty_source_where_there_were_files_stops_everything(library: Library) -> None:
    fill(library)
    library.sync()
    before = tree_of(library.output)
    shutil.rmtree(library.media)
    library.media.mkdir()
    with pytest.raises(SourceUnavailableError, match="not mounted"):
        library.sync()
    assert tree_of(library.output) == before
    clean_orphans(library.job)
    assert tree_of(library.output) == before


def test_trap_4_a_missing_source_stops_everything(library: Library) -> None:
    fill(library)
    library.sync()
    before = tree_of(library.output)
    shutil.rmtree(library.media)
    with pytest.raises(SourceUnavailableError):
        library.sync()
    assert tree_of(library.output) == before


def test_a_source_that_is_empty_from_the_start_is_no_error(library: Library) -> None:
    assert pick(library.sync(), "listed", "created", "deleted") == (0, 0, 0)


def test_a_folder_that_cannot_be_listed_keeps_its_part_of_the_library(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library)
    write_media(library.media, ["Film 3/Extras/Deep/extra.mkv"])
    library.sync()
    shutil.rmtree(library.media / "Film 3" / "Extras")
    shutil.rmtree(library.media / "Film 4")
    real_scandir = os.scandir

    def scandir(path):
        if str(path).endswith("Film 3"):
            raise PermissionError(13, "Permission denied")
        return real_scandir(path)

    monkeypatch.setattr(os, "scandir", scandir)
    numbers = library.sync()
    assert pick(numbers, "failed", "deleted", "protected") == (1, 1, 2)
    assert (library.output / "Film 3" / "Extras" / "Deep" / "extra.strm").exists()
    assert not (library.output / "Film 4").exists()
    monkeypatch.undo()
    assert library.sync()["deleted"] == 1


def test_a_link_that_dangles_keeps_what_it_led_to(library: Library, tmp_path: Path) -> None:
    fill(library)
    write_media(tmp_path / "disk two", ["film.mkv", "show/episode.mkv"])
    (library.media / "film.mkv").symlink_to(tmp_path / "disk two" / "film.mkv")
    (library.media / "show").symlink_to(tmp_path / "disk two" / "show")
    library.sync()
    before = tree_of(library.output)
    (tmp_path / "disk two").rename(tmp_path / "unplugged")
    numbers = library.sync()
    assert pick(numbers, "deleted", "waiting", "protected", "failed") == (0, 0, 2, 2)
    assert tree_of(library.output) == before


def test_an_unreadable_file_keeps_its_name_from_others(library: Library) -> None:
    fill(library)
    write_media(library.media, ["twin/a.mkv", "twin/a.mp4"])
    library.sync()
    before = tree_of(library.output)
    (library.media / "twin" / "a.mkv").unlink()
    (library.media / "twin" / "a.mkv").symlink_to("/nowhere/a.mkv")
    numbers = library.sync()
    assert pick(numbers, "updated", "deleted", "protected", "failed") == (0, 0, 1, 1)
    assert tree_of(library.output) == before


def test_files_of_another_folder_are_not_ours_although_they_have_the_same_paths(
    library: Library, tmp_path: Path
) -> None:
    fill(library)
    library.sync()
    other = tmp_path / "other"
    for number in (3, 4):
        (other / f"Film {number}").mkdir(parents=True)
        (other / f"Film {number}" / f"Film {number}.strm").write_text("http://mine/")
    left_behind = tree_of(library.output)
    shutil.rmtree(library.media / "Film 3")
    library.changes["output"] = other
    numbers = library.sync()
    assert pick(numbers, "created", "foreign", "deleted") == (18, 1, 0)
    for number in (3, 4):
        path = other / f"Film {number}" / f"Film {number}.strm"
        assert path.read_text() == "http://mine/"
    assert tree_of(library.output) == left_behind


def test_a_file_that_was_edited_by_hand_is_the_users_own_and_stays(library: Library) -> None:
    fill(library)
    library.sync()
    edited = library.output / "Film 3" / "Film 3.strm"
    edited.write_text("http://mine/")
    for number in (3, 4):
        shutil.rmtree(library.media / f"Film {number}")
    assert pick(library.sync(), "deleted", "edited", "owned") == (1, 1, 18)
    assert edited.read_text() == "http://mine/"
    assert pick(library.sync(), "deleted", "edited", "owned") == (0, 0, 18)
    assert edited.exists()


def test_trap_10_more_than_the_share_waits_for_approval_of_exactly_this_plan(
    library: Library,
) -> None:
    fill(library, 40)
    library.sync()
    for number in range(10):
        shutil.rmtree(library.media / f"Film {number}")
    numbers = library.sync()
    assert pick(numbers, "deleted", "waiting") == (0, 10)
    assert len(library.links()) == 40
    plan = library.lake.table(ORPHANS, partition="movies").to_pylist()
    assert {row["decision"] for row in plan} == {"waiting"}
    assert "10 of 40" in plan[0]["reason"]
    shutil.rmtree(library.media / "Film 10")
    assert library.sync(approved_plan=plan[0]["plan_id"])["deleted"] == 0
    new_plan = library.lake.table(ORPHANS, partition="movies").to_pylist()[0]["plan_id"]
    assert pick(library.sync(approved_plan=new_plan), "deleted", "waiting") == (11, 0)
    assert len(library.links()) == 29


def test_more_than_the_count_waits(library: Library) -> None:
    fill(library, 40)
    library.changes["deletion"] = DeletionSettings(maximum_ratio=1, maximum_count=8)
    library.sync()
    for number in range(9):
        shutil.rmtree(library.media / f"Film {number}")
    assert pick(library.sync(), "deleted", "waiting") == (0, 9)


def test_trap_10_a_small_library_can_lose_a_third_but_not_its_last_file(library: Library) -> None:
    fill(library, 3)
    library.sync()
    shutil.rmtree(library.media / "Film 0")
    assert library.sync()["deleted"] == 1
    for number in (1, 2):
        shutil.rmtree(library.media / f"Film {number}")
    write_media(library.media, ["readme.txt"])
    assert pick(library.sync(), "deleted", "waiting") == (0, 2)


def test_a_dry_run_only_says_what_it_would_delete(library: Library) -> None:
    fill(library)
    library.sync()
    shutil.rmtree(library.media / "Film 3")
    assert library.sync(dry_run=True)["deleted"] == 0
    (row,) = library.lake.table(ORPHANS, partition="movies").to_pylist()
    assert (row["path"], row["decision"]) == ("Film 3/Film 3.strm", "proposed")
    assert len(library.links()) == 20


def test_a_file_that_is_newer_than_the_listing_is_no_orphan_of_it(library: Library) -> None:
    fill(library)
    library.sync()
    late = library.output / "Film 3" / "late.strm"
    late.write_text("http://nas/late")
    library.job.manifest.enter([OwnedFile("Film 3", "late.strm")])
    assert clean_orphans(library.job).numbers["deleted"] == 0
    assert late.exists()
    list_source(library.job)
    assert clean_orphans(library.job).numbers["deleted"] == 1


def test_trap_34_nothing_is_deleted_after_the_lease_was_lost(library: Library) -> None:
    fill(library)
    library.sync()
    shutil.rmtree(library.media / "Film 3")
    list_source(library.job)
    library.lease._lost.set()
    with pytest.raises(LeaseLostError):
        clean_orphans(library.job)
    assert len(library.links()) == 20


def test_trap_22_links_planted_in_the_output_are_not_followed(
    library: Library, tmp_path: Path
) -> None:
    fill(library, 3)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "target.txt").write_text("precious")
    library.output.mkdir()
    (library.output / "Film 1").symlink_to(outside)
    (library.output / "Film 2").mkdir()
    (library.output / "Film 2" / "Film 2.strm").symlink_to(outside / "target.txt")
    numbers = library.sync()
    assert pick(numbers, "created", "failed", "foreign") == (1, 1, 1)
    assert tree_of(outside) == {"target.txt": b"precious"}


def test_a_deleted_folder_that_became_a_link_is_left_alone(
    library: Library, tmp_path: Path
) -> None:
    fill(library)
    library.sync()
    outside = tmp_path / "outside"
    (library.output / "Film 3").rename(outside)
    (library.output / "Film 3").symlink_to(outside)
    shutil.rmtree(library.media / "Film 3")
    numbers = library.sync()
    assert pick(numbers, "deleted", "failed") == (0, 1)
    assert (outside / "Film 3.strm").exists()


def test_trap_22_a_folder_in_the_way_of_a_file_and_a_file_in_the_way_of_a_folder_fail_alone(
    library: Library,
) -> None:
    fill(library, 5)
    (library.output / "Film 1" / "Film 1.strm").mkdir(parents=True)
    (library.output / "Film 2").write_text("a file")
    numbers = library.sync()
    assert pick(numbers, "created", "foreign", "failed") == (3, 1, 1)


def test_a_film_that_became_a_folder_and_back_follows(library: Library) -> None:
    fill(library)
    write_media(library.media, ["X.mkv"])
    library.sync()
    (library.media / "X.mkv").unlink()
    write_media(library.media, ["X.mkv/inner.mkv"])
    assert pick(library.sync(), "created", "deleted") == (1, 1)
    shutil.rmtree(library.media / "X.mkv")
    write_media(library.media, ["X.mkv"])
    assert pick(library.sync(), "created", "deleted") == (1, 1)
    assert library.links()["X.strm"] == "X.mkv"


def test_one_of_two_with_the_same_stem_can_go_without_the_other(library: Library) -> None:
    fill(library)
    write_media(library.media, ["twin/a.mkv", "twin/a.mp4"])
    library.sync()
    (library.media / "twin" / "a.mkv").unlink()
    library.sync()
    assert {path: link for path, link in library.links().items() if path.startswith("twin")} == {
        "twin/a.strm": "twin/a.mp4"
    }


def test_skipping_what_exists_writes_what_is_missing_empty_or_torn_and_compares_nothing(
    library: Library,
) -> None:
    fill(library)
    library.sync()
    texts = ["edited by hand", "", "http://nas/Film%202/Fi", "http://nas/Film%203/Film%203.mkv\n"]
    for number, text in enumerate(texts):
        (library.output / f"Film {number}" / f"Film {number}.strm").write_text(text)
    (library.output / "Film 4" / "Film 4.strm").unlink()
    write_media(library.media, ["new.mkv"])
    list_source(library.job)
    result = write_tree(library.job, skip_existing=True)
    assert pick(dict(result.numbers), "created", "updated", "unchanged") == (2, 2, 17)
    assert (library.output / "Film 0" / "Film 0.strm").read_text() == "edited by hand"
    assert (library.output / "Film 3" / "Film 3.strm").read_text() == texts[3]
    assert library.links()["Film 2/Film 2.strm"] == "Film 2/Film 2.mkv"


def test_filters_leave_out_what_they_say(library: Library) -> None:
    write_media(library.media, ["a.mkv", "b.MP4", "c.txt", "sample/d.mkv"])
    write_media(library.media, ["tiny.mkv"], size=10)
    library.changes |= {"minimum_size_bytes": 100, "exclude": ["(^|/)sample$"]}
    assert pick(library.sync(), "created", "skipped") == (2, 2)
    assert sorted(library.links()) == ["a.strm", "b.strm"]


def test_trap_12_what_a_new_filter_leaves_out_becomes_an_orphan_on_purpose(
    library: Library,
) -> None:
    fill(library, 20)
    write_media(library.media, ["Samples/sample.mkv"])
    library.sync()
    library.changes["exclude"] = ("^Samples",)
    assert library.sync(dry_run=True)["deleted"] == 0
    assert "Samples/sample.strm" in tree_of(library.output)
    assert library.sync()["deleted"] == 1
    assert len(tree_of(library.output)) == 20


def test_what_happened_is_in_the_lake(library: Library) -> None:
    fill(library, 2)
    library.sync()
    rows = library.lake.table(("strm", "tree"), partition="movies").to_pylist()
    assert [(row["path"], row["source_path"], row["outcome"]) for row in rows] == [
        ("Film 0/Film 0.strm", "Film 0/Film 0.mkv", "created"),
        ("Film 1/Film 1.strm", "Film 1/Film 1.mkv", "created"),
    ]
    library.sync()
    assert library.lake.table(("strm", "tree"), partition="movies").num_rows == 0


def test_an_output_that_is_a_file_is_named_with_a_remedy(library: Library) -> None:
    fill(library, 1)
    library.output.write_text("")
    with pytest.raises(OutputUnavailableError, match=str(library.output)):
        library.sync()


def test_a_tree_without_a_listing_says_what_to_run_first(library: Library) -> None:
    with pytest.raises(SyncError, match="strm/listing"):
        write_tree(library.job)


SYNC_PROGRAM = """
import sys
from pathlib import Path
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.settings.strm import LocalSourceSettings, StrmJobSettings
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.pipeline import clean_orphans, list_and_write
base = Path(sys.argv[1])
settings = StrmJobSettings(
    source=LocalSourceSettings(path=base / "media"), output=base / "library",
    url_template="http://nas/{path}", deletion={"maximum_ratio": 1},
)
ledger = Ledger.open(f"sqlite:///{base}/home/ledger.db")
with hold_lease(ledger, "strm", purpose="test", wait_seconds=30) as lease:
    job = JobRun("movies", settings, lease, ledger, Lake(base / "lake"))
    print("ready", flush=True)
    list_and_write(job)
    clean_orphans(job)
assert "pandas" not in sys.modules
print("done", flush=True)
"""


def test_a_run_that_is_killed_anywhere_converges_in_the_next(tmp_path: Path) -> None:
    media = tmp_path / "media"
    write_media(media, [f"{n % 40}/film {n}.mkv" for n in range(3_000)], size=1)
    for round_number in range(8):
        write_media(media, [f"{n}/new {round_number}.mkv" for n in range(40)], size=1)
        shutil.rmtree(media / str(round_number + 20))
        process = subprocess.Popen(
            [sys.executable, "-c", SYNC_PROGRAM, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.03 * round_number)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        process.stdout.close()
        for path, content in tree_of(tmp_path / "library").items():
            assert path.endswith(TEMPORARY_NAME) or content.endswith(b".mkv")
    subprocess.run([sys.executable, "-c", SYNC_PROGRAM, str(tmp_path)], check=True, timeout=60)
    wanted = {path.removesuffix(".mkv") + ".strm" for path in tree_of(media)}
    assert set(tree_of(tmp_path / "library")) == wanted
    assert not list((tmp_path / "library").rglob(TEMPORARY_NAME))


@pytest.mark.parametrize(
    ("code", "message"), [(errno.ENOSPC, "is full"), (errno.EROFS, "is read-only")]
)
def test_a_full_or_read_only_disk_ends_the_run_and_leaves_nothing_torn(
    library: Library, monkeypatch: pytest.MonkeyPatch, code: int, message: str
) -> None:
    fill(library)
    library.sync()
    before = tree_of(library.output)
    library.changes["url_template"] = "https://other/{path}"
    list_source(library.job)
    real_write = os.write
    written = []

    def write(descriptor: int, content: bytes) -> int:
        written.append(content)
        if len(written) > 7:
            raise OSError(code, os.strerror(code))
        return real_write(descriptor, content)

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OutputUnavailableError, match=message) as caught:
        write_tree(library.job)
    monkeypatch.undo()
    assert caught.value.remedy
    after = tree_of(library.output)
    assert after.keys() == before.keys()
    assert sum(content.startswith(b"https://other/") for content in after.values()) == 7
    assert pick(library.sync(), "updated", "unchanged") == (13, 7)


def test_a_disk_that_takes_only_half_a_file_keeps_the_old_one(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library, 1)
    library.sync()
    before = tree_of(library.output)
    library.changes["url_template"] = "https://other/{path}"
    list_source(library.job)
    real_write = os.write
    calls = []

    def write(descriptor: int, content: bytes) -> int:
        calls.append(content)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(descriptor, content[:5])

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OutputUnavailableError):
        write_tree(library.job)
    monkeypatch.undo()
    assert tree_of(library.output) == before
