"""A scan that was interrupted goes on where it stopped, and never on what is out of date."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import Lease, hold_lease
from sync_assets.settings.strm import StrmJobSettings
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.listing.checkpoint import CheckpointError, ScanCheckpoint
from sync_assets.strm.models import Entry, EntryKind
from sync_assets.strm.pipeline import clean_orphans, list_and_write, list_source
from sync_assets.strm.sources import SourceUnavailableError
from sync_assets.strm.sources import pace as pace_module
from sync_assets_tests.support.media import tree_of
from sync_assets_tests.upstreams.openlist import OpenListServer
from sync_assets_tests.upstreams.sockets import ResetConnectionError

# More than enough remain, when the server goes away, for a source to be given up.
SHOWS = 40


@dataclass
class Library:
    """A job on an OpenList server."""

    server: OpenListServer
    base: Path
    ledger: Ledger
    lease: Lease
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def job(self) -> JobRun:
        source = {
            "type": "openlist",
            "base_url": self.server.url,
            "path": "/Shows",
            "token": self.server.static_token,
            "connections": 2,
            "retries": 0,
        }
        values: dict[str, Any] = {"source": source, "output": self.base / "library"}
        settings = StrmJobSettings(**(values | self.settings))
        return JobRun(
            "shows",
            settings,
            self.lease,
            self.ledger,
            Lake(self.base / "lake"),
            checkpoints=self.base / "scans",
        )

    @property
    def checkpoint(self) -> Path:
        return self.base / "scans" / "shows.jsonl"

    def interrupt_after(self, directories: int) -> None:
        """Scan until so many directories were asked for, then let the server go away."""
        asked = len(self.server.statistics.listed)
        answer = self.server.answer

        def answer_for_a_while(request):
            if len(self.server.statistics.listed) - asked >= directories:
                raise ResetConnectionError
            return answer(request)

        self.server.answer = answer_for_a_while
        with pytest.raises(SourceUnavailableError):
            list_and_write(self.job)
        self.server.answer = answer

    def listed_by(self, work) -> list[str]:
        """Return which directories a piece of work asks the server for."""
        before = len(self.server.statistics.listed)
        work(self.job)
        return self.server.statistics.listed[before:]


@pytest.fixture
def library(
    tmp_path: Path, sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Library]:
    monkeypatch.setattr(pace_module, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(pace_module, "PAUSE_SECONDS", 0.01)
    with (
        OpenListServer() as server,
        hold_lease(sqlite_ledger, "strm", purpose="test") as lease,
    ):
        for show in range(SHOWS):
            server.add(f"/Shows/Show {show:02}/1.mkv", modified=f"2026-01-01T00:00:{show:02}Z")
        yield Library(server, tmp_path, sqlite_ledger, lease)


def test_a_scan_that_was_interrupted_goes_on_where_it_stopped(library: Library) -> None:
    library.interrupt_after(20)
    listed = library.listed_by(list_and_write)
    assert 0 < len(listed) <= 1 + SHOWS - 15
    assert "/Shows" not in listed
    assert len(tree_of(library.base / "library")) == SHOWS
    assert not library.checkpoint.exists()
    assert clean_orphans(library.job).numbers["deleted"] == 0


def test_a_scan_that_came_to_its_end_is_not_gone_on_with(library: Library) -> None:
    assert len(library.listed_by(list_source)) == len(library.listed_by(list_source)) == 1 + SHOWS


def test_what_a_resumed_scan_has_taken_over_is_counted(library: Library) -> None:
    library.interrupt_after(20)
    listing, tree = list_and_write(library.job)
    assert listing.numbers["resumed"] + listing.numbers["requests"] >= 1 + SHOWS
    assert listing.numbers["resumed"] >= 15
    assert (listing.numbers["listed"], tree.numbers["created"]) == (SHOWS, SHOWS)


def test_a_directory_that_could_not_be_listed_is_listed_again(library: Library) -> None:
    library.server.fail("code500", "/Shows/Show 0*")
    library.interrupt_after(20)
    library.server.faults.clear()
    listed = library.listed_by(list_source)
    assert {f"/Shows/Show {show:02}" for show in range(10)} <= set(listed)


@pytest.mark.parametrize(
    "change",
    [
        {"exclude": ("nothing",)},
        {"maximum_depth": 3},
        {"resume_scan_within_hours": 0},
    ],
)
def test_another_scan_begins_anew(library: Library, change: dict[str, Any]) -> None:
    library.interrupt_after(20)
    library.settings |= change
    assert len(library.listed_by(list_source)) == 1 + SHOWS


def test_a_slower_pace_does_not_begin_anew(library: Library) -> None:
    library.interrupt_after(20)
    source = library.job.settings.source.model_dump() | {"connections": 1, "token": "unused"}
    library.settings["source"] = source | {"token": library.server.static_token}
    assert len(library.listed_by(list_source)) < SHOWS


def test_a_listing_that_was_stored_since_is_newer_than_the_checkpoint(library: Library) -> None:
    library.interrupt_after(20)
    list_source(replace(library.job, checkpoints=None))
    assert len(library.listed_by(list_source)) == 1 + SHOWS


def test_a_root_that_looked_empty_is_looked_at_again(library: Library) -> None:
    list_and_write(library.job)
    library.server.fail("empty", "/Shows", times=1)
    with pytest.raises(SourceUnavailableError, match="is empty"):
        list_and_write(library.job)
    assert len(library.listed_by(list_and_write)) == 1 + SHOWS


def test_a_file_of_a_title_that_came_back_after_the_interrupted_scan_saw_none_is_kept(
    library: Library,
) -> None:
    library.server.remove("/Shows/Show 00/1.mkv")
    library.interrupt_after(20)
    library.server.add("/Shows/Show 00/1.mkv")
    list_and_write(replace(library.job, checkpoints=None))
    list_and_write(library.job)
    assert clean_orphans(library.job).numbers["deleted"] == 0
    assert "Show 00/1.strm" in tree_of(library.base / "library")


def test_what_an_interrupted_scan_did_not_see_is_not_deleted_by_the_one_that_goes_on(
    library: Library,
) -> None:
    list_and_write(library.job)
    library.server.remove("/Shows/Show 00/1.mkv")
    library.interrupt_after(20)
    library.server.add("/Shows/Show 00/1.mkv")
    list_and_write(library.job)
    result = clean_orphans(library.job)
    assert result.numbers["deleted"] == 0
    assert result.numbers["protected"] >= 1
    assert "Show 00/1.strm" in tree_of(library.base / "library")


def test_a_scan_that_is_not_interrupted_deletes_what_a_resumed_one_protected(
    library: Library,
) -> None:
    list_and_write(library.job)
    library.server.remove("/Shows/Show 00/1.mkv")
    library.interrupt_after(20)
    list_and_write(library.job)
    assert clean_orphans(library.job).numbers["deleted"] == 0
    list_and_write(library.job)
    assert clean_orphans(library.job).numbers["deleted"] == 1


ENTRIES = [
    Entry("電影 \U0001f4ff.mkv", EntryKind.FILE, 10**12, 1.25, sign="abc=:0"),
    Entry("half \ud83d", EntryKind.UNREADABLE, error="its name is not Unicode"),
    Entry("folder\n", EntryKind.DIRECTORY),
]


@pytest.fixture
def settings(tmp_path: Path) -> StrmJobSettings:
    return StrmJobSettings(
        source={"path": tmp_path / "media"},
        output=tmp_path / "library",
        url_template="http://nas/{path}",
    )


def opened(path: Path, settings: StrmJobSettings, not_before=None) -> ScanCheckpoint:
    return ScanCheckpoint(path, settings, not_before=not_before)


def test_a_checkpoint_returns_what_was_recorded(tmp_path: Path, settings: StrmJobSettings) -> None:
    path = tmp_path / "scan.jsonl"
    with opened(path, settings) as checkpoint:
        checkpoint.record("", ENTRIES)
        checkpoint.record("folder\n", [])
        began_at = checkpoint.scanned_at
    with opened(path, settings) as checkpoint:
        assert checkpoint.resumes
        assert checkpoint.scanned_at == began_at
        assert list(checkpoint.listed()) == [("", ENTRIES), ("folder\n", [])]


@pytest.mark.parametrize("damage", [b'["b", [["x", "fi', b"\0" * 100, b'["b", 7]\n["c", []]\n'])
def test_trap_9_what_a_crash_has_torn_is_listed_again(
    tmp_path: Path, settings: StrmJobSettings, damage: bytes
) -> None:
    path = tmp_path / "scan.jsonl"
    with opened(path, settings) as checkpoint:
        checkpoint.record("a", ENTRIES)
    with path.open("ab") as file:
        file.write(damage)
    with opened(path, settings) as checkpoint:
        assert [name for name, _ in checkpoint.listed()] == ["a"]
        checkpoint.record("d", [])
    with opened(path, settings) as checkpoint:
        assert [name for name, _ in checkpoint.listed()] == ["a", "d"]


@pytest.mark.parametrize("head", [b"", b"[]\n", b"null\n", b'["x", "y"]\n', b"\xff\xfe"])
def test_a_checkpoint_with_a_damaged_head_begins_anew(
    tmp_path: Path, settings: StrmJobSettings, head: bytes
) -> None:
    path = tmp_path / "scan.jsonl"
    path.write_bytes(head)
    with opened(path, settings) as checkpoint:
        assert not checkpoint.resumes
        assert list(checkpoint.listed()) == []


def test_a_checkpoint_from_before_or_from_the_future_begins_anew(
    tmp_path: Path, settings: StrmJobSettings
) -> None:
    path = tmp_path / "scan.jsonl"
    with opened(path, settings) as checkpoint:
        checkpoint.record("a", [])
    later = datetime.now(UTC) + timedelta(seconds=1)
    with opened(path, settings, not_before=later) as checkpoint:
        assert not checkpoint.resumes
    digest = path.read_text().splitlines()[0]
    path.write_text(digest.replace(digest.split(",")[1], " 9999999999.5]") + "\n")
    with opened(path, settings) as checkpoint:
        assert not checkpoint.resumes


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path, settings: StrmJobSettings) -> None:
    path = tmp_path / "scans" / "scan.jsonl"
    path.parent.write_text("a file is in the way")
    with pytest.raises(CheckpointError, match="scans"):
        opened(path, settings)
