"""Scanning: every directory once, and a status that never claims more than was seen."""

import errno
import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from sync_assets.settings.strm import HIDDEN_AND_SYSTEM
from sync_assets.strm.listing import concurrent_walk
from sync_assets.strm.listing.scan import scan
from sync_assets.strm.models import Entry, EntryKind, ListedDirectory, ListingStatus
from sync_assets.strm.sources import (
    DirectoryUnavailableError,
    Source,
    SourceUnavailableError,
    UnprovenListingError,
)
from sync_assets.strm.sources.local import LocalSource
from sync_assets_tests.support.media import DIFFICULT_NAMES, write_media


class MemorySource:
    """A source that holds what a test gives it."""

    requests = 0
    link_root: str | None = None

    def __init__(self, tree: Mapping[str, list[Entry] | Exception], connections: int = 1) -> None:
        self.tree = tree
        self.connections = connections
        self.calls: list[str] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        pass

    def check(self) -> None:
        if isinstance(self.tree.get(""), SourceUnavailableError):
            raise self.tree[""]  # ty: ignore[invalid-raise]

    def list_directory(self, path: str) -> list[Entry]:
        with self._lock:
            self.calls.append(path)
        answer = self.tree[path]
        if isinstance(answer, Exception):
            raise answer
        return answer


def directory(name: str) -> Entry:
    return Entry(name, EntryKind.DIRECTORY)


def file(name: str) -> Entry:
    return Entry(name, EntryKind.FILE, 1)


def run(source: Source, exclude: Sequence[str] = ()) -> dict[str, ListedDirectory]:
    listed = list(scan(source, exclude=exclude, maximum_depth=25))
    assert len({each.path for each in listed}) == len(listed)
    return {each.path: each for each in listed}


def names(entries: Iterable[Entry]) -> list[str]:
    return [entry.name for entry in entries]


@pytest.mark.parametrize("connections", [1, 8])
def test_every_directory_is_listed_once_with_its_files(connections: int) -> None:
    tree: dict = {"": [directory(f"d{number}") for number in range(20)] + [file("root.mkv")]}
    for number in range(20):
        tree[f"d{number}"] = [directory("sub"), file(f"{number}.mkv")]
        tree[f"d{number}/sub"] = [file("deep.mkv")]
    source = MemorySource(tree, connections)
    listed = run(source)
    assert sorted(source.calls) == sorted(tree) == sorted(listed)
    assert names(listed[""].files) == ["root.mkv"]
    assert names(listed["d7/sub"].files) == ["deep.mkv"]
    assert all(each.status is ListingStatus.COMPLETE for each in listed.values())


@pytest.mark.parametrize("connections", [1, 4])
def test_a_directory_that_fails_is_marked_and_the_rest_goes_on(connections: int) -> None:
    broken = DirectoryUnavailableError("the server said no", remedy="try later")
    tree = {"": [directory("a"), directory("b")], "a": broken, "b": [file("x.mkv")]}
    listed = run(MemorySource(tree, connections))
    assert listed["a"].status is ListingStatus.FAILED
    assert listed["a"].error == "the server said no"
    assert names(listed["b"].files) == ["x.mkv"]


@pytest.mark.parametrize("connections", [1, 4])
def test_a_source_that_goes_away_ends_the_scan(connections: int) -> None:
    gone = SourceUnavailableError("the drive has gone", remedy="mount it")
    tree = {"": [directory("a")], "a": gone}
    with pytest.raises(SourceUnavailableError):
        run(MemorySource(tree, connections))


def test_levels_0_to_25_are_listed_and_what_lies_deeper_is_truncated(tmp_path: Path) -> None:
    deepest = tmp_path.joinpath(*[f"level{number}" for number in range(1, 28)])
    deepest.mkdir(parents=True)
    listed = run(LocalSource(tmp_path))
    depths = {each.path.count("/") + 1 if each.path else 0: each.status for each in listed.values()}
    assert depths == {
        **dict.fromkeys(range(26), ListingStatus.COMPLETE),
        26: ListingStatus.TRUNCATED,
    }


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "nul\0byte"])
def test_trap_21_a_name_that_leads_elsewhere_is_never_a_name(name: str) -> None:
    listed = run(MemorySource({"": [Entry(name, EntryKind.FILE, 1), directory(name)]}))
    assert list(listed) == [""]
    assert listed[""].files == []
    assert len(listed[""].unreadable) == 2


def test_excluded_directories_are_not_even_looked_at() -> None:
    tree = {
        "": [directory("@eaDir"), directory(".Trash-1000"), directory("keep"), file(".DS_Store")],
        "keep": [file("a.mkv"), directory("lost+found")],
    }
    source = MemorySource(tree)
    listed = run(source, exclude=[HIDDEN_AND_SYSTEM])
    assert source.calls == ["", "keep"]
    assert names(listed[""].files) == []


def test_a_local_folder_gives_every_difficult_name(tmp_path: Path) -> None:
    write_media(tmp_path, DIFFICULT_NAMES)
    listed = run(LocalSource(tmp_path))
    assert sorted(names(listed[""].files)) == sorted(DIFFICULT_NAMES)


def test_a_name_that_is_not_utf8_is_one_unreadable_entry(tmp_path: Path) -> None:
    (tmp_path / "good.mkv").touch()
    with open(os.fsencode(tmp_path) + b"/bad\xff.mkv", "wb"):  # noqa: PTH123 - bytes
        pass
    listed = run(LocalSource(tmp_path))
    assert names(listed[""].files) == ["good.mkv"]
    (unreadable,) = listed[""].unreadable
    assert unreadable.name == "bad\\xff.mkv"
    assert unreadable.error == "its name is not UTF-8"


def test_links_are_followed_and_a_dangling_one_is_unreadable(tmp_path: Path) -> None:
    write_media(tmp_path / "elsewhere", ["film.mkv"])
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "file.mkv").symlink_to(tmp_path / "elsewhere" / "film.mkv")
    (root / "dangling").symlink_to(tmp_path / "nowhere")
    listed = run(LocalSource(root))
    assert names(listed["linked"].files) == ["film.mkv"]
    assert names(listed[""].files) == ["file.mkv"]
    assert names(listed[""].unreadable) == ["dangling"]


def test_a_link_to_its_own_parent_ends_there(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "loop").symlink_to(tmp_path / "a")
    (tmp_path / "top").symlink_to(tmp_path)
    listed = run(LocalSource(tmp_path))
    assert sorted(listed) == ["", "a", "a/b", "a/b/loop", "top"]
    assert listed["a/b/loop"].status is ListingStatus.FAILED
    assert listed["top"].status is ListingStatus.FAILED


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_text("")])
def test_a_root_that_is_missing_or_no_folder_is_unavailable(tmp_path: Path, make) -> None:
    make(tmp_path / "root")
    with pytest.raises(SourceUnavailableError, match=str(tmp_path / "root")):
        run(LocalSource(tmp_path / "root"))


def test_a_fifo_is_neither_read_nor_forgotten(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mkv")
    listed = run(LocalSource(tmp_path))
    assert names(listed[""].unreadable) == ["pipe.mkv"]


def made_at(name: str, moment: float) -> Entry:
    return Entry(name, EntryKind.DIRECTORY, None, moment)


def test_folders_that_are_numbered_alike_and_made_together_are_no_circle() -> None:
    numbered = [made_at("0", 5.0), made_at("1", 5.0)]
    tree: dict = {"": numbered}
    for first in "01":
        tree[first] = numbered
        for second in "01":
            tree[f"{first}/{second}"] = [file(f"{first}{second}.mkv")]
    listed = run(MemorySource(tree))
    assert len(listed) == 7
    # Which of them were listed whole nobody can tell, so nothing is deleted for lack of a folder.
    assert [path for path, each in listed.items() if each.status is ListingStatus.UNPROVEN] == [
        "0",
        "1",
    ]


def test_nested_folders_of_one_name_are_no_circle() -> None:
    tree: dict = {"/".join("a" * level): [directory("a")] for level in range(10)}
    tree["/".join("a" * 10)] = [file("film.mkv")]
    listed = run(MemorySource(tree))
    assert {each.status for each in listed.values()} == {ListingStatus.COMPLETE}


def test_a_folder_that_shows_what_is_above_it_is_a_circle() -> None:
    top = [made_at("a", 5.0), made_at("b", 6.0)]
    listed = run(MemorySource({"": top, "a": [file("film.mkv")], "b": top}))
    assert sorted(listed) == ["", "a", "b"]
    assert listed["b"].status is ListingStatus.FAILED


def test_a_name_that_comes_twice_is_one_file_and_one_folder() -> None:
    twice = [file("film.mkv"), directory("a"), file("film.mkv"), directory("a")]
    listed = run(MemorySource({"": twice, "a": []}))
    assert names(listed[""].files) == ["film.mkv"]
    assert sorted(listed) == ["", "a"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DirectoryUnavailableError, ListingStatus.FAILED),
        (UnprovenListingError, ListingStatus.UNPROVEN),
    ],
)
def test_what_was_seen_of_a_listing_that_is_not_whole_is_walked(
    error: type[DirectoryUnavailableError], status: ListingStatus
) -> None:
    half = error("half of it", remedy="", seen=[file("film.mkv"), directory("a")])
    listed = run(MemorySource({"": half, "a": [file("b.mkv")]}))
    assert (listed[""].status, names(listed[""].files)) == (status, ["film.mkv"])
    assert listed["a"].status is ListingStatus.COMPLETE


def test_a_wide_source_is_not_listed_far_ahead_of_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(concurrent_walk, "MOST_ENTRIES_AHEAD", 10)
    tree: dict = {"": [directory(f"{number:03}") for number in range(200)]}
    tree |= {f"{number:03}": [] for number in range(200)}
    source = MemorySource(tree, connections=4)
    walk = scan(source, exclude=(), maximum_depth=25)
    for _ in range(3):
        next(walk)
    time.sleep(0.1)
    assert len(source.calls) <= 3 + 10 + 4
    assert len(list(walk)) == 198


def test_a_slow_caller_does_not_keep_the_source_waiting() -> None:
    tree: dict = {"": [directory(f"{number:03}") for number in range(50)]}
    tree |= {f"{number:03}": [file("film.mkv")] for number in range(50)}
    source = MemorySource(tree, connections=4)
    walk = scan(source, exclude=(), maximum_depth=25)
    next(walk)
    deadline = time.monotonic() + 10
    while len(source.calls) < 51 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(source.calls) == 51
    assert len(list(walk)) == 50


@pytest.mark.parametrize("connections", [1, 8])
def test_what_was_found_before_a_source_went_away_is_passed_on(connections: int) -> None:
    gone = SourceUnavailableError("the server has gone", remedy="start it")
    source = MemorySource({"": [directory("a")], "a": gone}, connections)
    walk = scan(source, exclude=(), maximum_depth=25)
    assert next(walk).path == ""
    with pytest.raises(SourceUnavailableError, match="has gone"):
        next(walk)


def test_trap_4_a_folder_that_hangs_ends_the_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_media(tmp_path, ["a/film.mkv", "b/film.mkv"])
    is_over = threading.Event()
    scandir = os.scandir

    def hanging(path: str):
        if path.endswith("/b"):
            is_over.wait()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", hanging)
    source = LocalSource(tmp_path, timeout_seconds=0.2)
    try:
        with pytest.raises(SourceUnavailableError, match="does not answer"):
            run(source)
        with pytest.raises(SourceUnavailableError, match="does not answer"):
            source.list_directory("a")
    finally:
        is_over.set()
        source.close()


def test_what_the_file_system_says_of_its_own_timeout_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timing_out(path: str):
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), path)

    monkeypatch.setattr(os, "scandir", timing_out)
    listed = run(LocalSource(tmp_path))
    assert listed[""].status is ListingStatus.FAILED
