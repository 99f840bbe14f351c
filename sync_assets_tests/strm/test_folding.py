"""Outputs that ignore case or the composition of letters: traps 15 and 17."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest

from sync_assets.errors import ItemFailure
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.settings.strm import DeletionSettings, LocalSourceSettings, StrmJobSettings
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.output.folding import Folding, probe_folding
from sync_assets.strm.output.root import Output
from sync_assets.strm.pipeline import clean_orphans, list_source, write_tree
from sync_assets_tests.support.folding import fold_outputs
from sync_assets_tests.support.media import tree_of, write_media

COMPOSED = "Am\N{LATIN SMALL LETTER E WITH ACUTE}lie"
DECOMPOSED = "Ame\N{COMBINING ACUTE ACCENT}lie"


@dataclass
class Shelf:
    """One job on folders of a test."""

    media: Path
    output: Path
    job: JobRun

    def scan(self) -> tuple[dict[str, int], list[ItemFailure]]:
        numbers: dict[str, int] = {}
        failures: list[ItemFailure] = []
        for stage in (list_source, write_tree, clean_orphans):
            result = stage(self.job)
            numbers |= result.numbers
            failures += result.failures
        return numbers, failures

    def rename(self, old: str, new: str) -> None:
        (self.media / old).rename(self.media / new)

    def links(self) -> set[str]:
        return {
            unquote(content.decode().removeprefix("http://nas/"))
            for content in tree_of(self.output).values()
        }


@pytest.fixture
def shelf(
    tmp_path: Path, sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shelf]:
    fold_outputs(monkeypatch)
    settings = StrmJobSettings(
        source=LocalSourceSettings(path=tmp_path / "media"),
        output=tmp_path / "library",
        url_template="http://nas/{path}",
        deletion=DeletionSettings(always_allowed_count=0, maximum_ratio=0.5),
    )
    write_media(tmp_path / "media", [f"Other/{n}.mkv" for n in range(10)])
    with hold_lease(sqlite_ledger, "strm", purpose="test") as lease:
        job = JobRun("movies", settings, lease, sqlite_ledger, Lake(tmp_path / "lake"))
        yield Shelf(tmp_path / "media", tmp_path / "library", job)


def test_the_probe_tells_what_an_output_does_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Output(tmp_path / "plain") as plain:
        assert probe_folding(plain) == Folding(case=False, unicode=False)
    fold_outputs(monkeypatch)
    with Output(tmp_path / "folding") as folding:
        assert probe_folding(folding) == Folding(case=True, unicode=True)
    assert list(tmp_path.rglob("*.*")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Show/Movie.mkv", "Show/movie.mkv"),
        (f"Show/{COMPOSED}.mkv", f"Show/{DECOMPOSED}.mkv"),
    ],
)
def test_a_file_that_changed_only_its_case_keeps_its_strm_file(
    shelf: Shelf, old: str, new: str
) -> None:
    write_media(shelf.media, [old])
    shelf.scan()
    shelf.rename(old, new)
    numbers, failures = shelf.scan()
    assert (numbers["updated"], numbers["deleted"], failures) == (1, 0, [])
    assert new in shelf.links()
    again, _ = shelf.scan()
    assert (again["updated"], again["created"], again["deleted"], again["owned"]) == (0, 0, 0, 11)


def test_a_folder_that_changed_only_its_case_keeps_its_strm_files(shelf: Shelf) -> None:
    write_media(shelf.media, [f"Show/{n}.mkv" for n in range(30)])
    shelf.scan()
    shelf.rename("Show", "show")
    numbers, failures = shelf.scan()
    assert (numbers["deleted"], numbers["waiting"], failures) == (0, 0, [])
    assert {f"show/{n}.mkv" for n in range(30)} < shelf.links()
    again, _ = shelf.scan()
    assert (again["unchanged"], again["updated"], again["deleted"]) == (40, 0, 0)
    (shelf.media / "show" / "3.mkv").unlink()
    assert shelf.scan()[0]["deleted"] == 1
    assert len(shelf.links()) == 39


def test_two_folders_that_are_one_for_the_output_are_reported_with_a_fixed_winner(
    shelf: Shelf,
) -> None:
    write_media(shelf.media, ["Show/1.mkv", "show/1.mkv", "show/2.mkv"])
    for _ in range(2):
        numbers, failures = shelf.scan()
        assert [failure.item for failure in failures] == ["show/1.strm", "show/2.strm"]
        assert "'Show'" in failures[0].error
        assert numbers["deleted"] == 0
        assert "Show/1.mkv" in shelf.links()
    assert numbers["updated"] == 0


def test_the_other_folder_takes_the_place_once_it_is_free(shelf: Shelf) -> None:
    write_media(shelf.media, ["Show/1.mkv", "show/1.mkv", "show/2.mkv"])
    shelf.scan()
    (shelf.media / "Show" / "1.mkv").unlink()
    (shelf.media / "Show").rmdir()
    numbers, failures = shelf.scan()
    assert (numbers["deleted"], failures) == (0, [])
    assert {"show/1.mkv", "show/2.mkv"} < shelf.links()
