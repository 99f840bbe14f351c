"""Copies of discs: a Blu-ray becomes one file beside its BDMV folder, a DVD none."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import Delivery, store
from sync_assets.ledger.leases import Lease, hold_lease
from sync_assets.settings.strm import (
    DeletionSettings,
    DiscMode,
    LocalSourceSettings,
    StrmJobSettings,
    StrmSettings,
)
from sync_assets.strm.events.draining import Drain
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.pipeline import clean_orphans, list_source, write_tree
from sync_assets_tests.support.media import tree_of, write_media

STREAMS = "Films/Heat/BDMV/STREAM"
HEAT = "Films/Heat/Heat.bdmv.strm"


@dataclass
class Shelf:
    """One job on folders of a test."""

    base: Path
    ledger: Ledger
    lease: Lease
    bdmv: DiscMode = DiscMode.LARGEST

    @property
    def media(self) -> Path:
        return self.base / "media"

    @property
    def settings(self) -> StrmJobSettings:
        return StrmJobSettings(
            source=LocalSourceSettings(path=self.media),
            output=self.base / "library",
            url_template="http://nas/{path}",
            bdmv=self.bdmv,
            deletion=DeletionSettings(always_allowed_count=20),
            event_root="/drive",
        )

    def write(self, path: str, size: int) -> None:
        write_media(self.media, [path])
        (self.media / path).write_bytes(b"x" * size)

    def scan(self) -> dict[str, int]:
        job = JobRun("movies", self.settings, self.lease, self.ledger, Lake(self.base / "lake"))
        numbers: dict[str, int] = {}
        for stage in (list_source, write_tree, clean_orphans):
            numbers |= stage(job).numbers
        return numbers

    def follow(self, action: str, path: str) -> None:
        """Deal with one storage event."""
        payload: dict[str, Any] = {"path": f"/drive/{path}", "action": action}
        with self.ledger.write() as connection:
            store(connection, [Delivery("openlist", f"{action} {path}", payload)])
        settings = StrmSettings(jobs={"movies": self.settings})
        lake = Lake(self.base / "lake")
        Drain(settings, self.ledger, lake, lease=self.lease, run_id=path).run()

    def links(self) -> dict[str, str]:
        return {
            path: unquote(content.decode().removeprefix("http://nas/"))
            for path, content in tree_of(self.base / "library").items()
        }


@pytest.fixture
def shelf(tmp_path: Path, sqlite_ledger: Ledger) -> Iterator[Shelf]:
    with hold_lease(sqlite_ledger, "strm", purpose="test") as lease:
        shelf = Shelf(tmp_path, sqlite_ledger, lease)
        for name, size in (("00001.m2ts", 10), ("00002.m2ts", 30), ("00003.m2ts", 30)):
            shelf.write(f"{STREAMS}/{name}", size)
        shelf.write("Films/Heat/BDMV/index.bdmv", 1)
        shelf.write("Films/Heat/BDMV/BACKUP/00001.m2ts", 99)
        shelf.write("Films/Heat/extra.mkv", 5)
        shelf.write("Films/Old/VIDEO_TS/VTS_01_1.VOB", 5)
        shelf.write("Films/other.mkv", 5)
        yield shelf


PLAIN = {"Films/Heat/extra.strm": "Films/Heat/extra.mkv", "Films/other.strm": "Films/other.mkv"}


def test_a_blu_ray_becomes_one_file_of_its_largest_stream_beside_it(shelf: Shelf) -> None:
    shelf.scan()
    assert shelf.links() == PLAIN | {HEAT: f"{STREAMS}/00002.m2ts"}
    again = shelf.scan()
    assert (again["unchanged"], again["created"], again["updated"], again["deleted"]) == (
        3,
        0,
        0,
        0,
    )


def test_another_largest_stream_is_followed(shelf: Shelf) -> None:
    shelf.scan()
    shelf.write(f"{STREAMS}/00001.m2ts", 50)
    assert shelf.scan()["updated"] == 1
    assert shelf.links()[HEAT] == f"{STREAMS}/00001.m2ts"


@pytest.mark.parametrize("gone", [STREAMS, "Films/Heat/BDMV", "Films/Heat"])
def test_a_disc_that_is_gone_leaves_the_library(shelf: Shelf, gone: str) -> None:
    shelf.scan()
    shutil.rmtree(shelf.media / gone)
    shelf.scan()
    assert HEAT not in shelf.links()


@pytest.mark.parametrize("broken", ["STREAM", "BDMV", "Heat"])
def test_a_disc_that_cannot_be_listed_whole_keeps_its_file(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    shelf.scan()
    shutil.rmtree(shelf.media / STREAMS)
    (shelf.media / STREAMS).mkdir()
    real_scandir = os.scandir

    def scandir(path):
        if str(path).startswith(str(shelf.media)) and str(path).endswith(f"/{broken}"):
            raise PermissionError(13, "Permission denied")
        return real_scandir(path)

    monkeypatch.setattr(os, "scandir", scandir)
    numbers = shelf.scan()
    assert (numbers["deleted"], numbers["waiting"]) == (0, 0)
    assert HEAT in shelf.links()


def test_events_beside_a_disc_keep_its_file_and_events_of_it_are_followed(shelf: Shelf) -> None:
    shelf.scan()
    (shelf.media / "Films/Heat/extra.mkv").unlink()
    shelf.follow("delete", "Films/Heat/extra.mkv")
    assert set(shelf.links()) == {HEAT, "Films/other.strm"}
    (shelf.media / STREAMS / "00002.m2ts").unlink()
    shelf.follow("delete", f"{STREAMS}/00002.m2ts")
    assert shelf.links()[HEAT] == f"{STREAMS}/00003.m2ts"
    shutil.rmtree(shelf.media / "Films/Heat/BDMV")
    shelf.follow("delete", "Films/Heat/BDMV")
    assert set(shelf.links()) == {"Films/other.strm"}


def test_discs_are_skipped_or_taken_apart_where_that_is_wanted(shelf: Shelf) -> None:
    shelf.bdmv = DiscMode.SKIP
    shelf.scan()
    assert shelf.links() == PLAIN
    shelf.bdmv = DiscMode.ALL
    assert shelf.scan()["created"] == 5
    shelf.bdmv = DiscMode.LARGEST
    assert shelf.scan()["deleted"] == 5
    assert set(shelf.links()) == {*PLAIN, HEAT}
