"""A deletion beyond the limits that the same scans confirm, one after the other."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.events import read_events
from sync_assets.ledger.leases import hold_lease
from sync_assets.settings.strm import DeletionSettings, LocalSourceSettings, StrmJobSettings
from sync_assets.strm.deleting import confirmation
from sync_assets.strm.deleting.approval import PlanChangedError
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.listing import source_scan
from sync_assets.strm.pipeline import clean_orphans, list_source, write_tree
from sync_assets_tests.support.media import tree_of, write_media

FILMS = 40


class Calendar(datetime):
    """A clock that tests set; scans take their time from it."""

    moment = datetime.now(UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.moment.astimezone(tz)


class Shelf:
    """One job on folders of a test, scanned at moments of the test's choosing."""

    def __init__(self, base: Path, job: JobRun) -> None:
        self.media = base / "media"
        self.output = base / "library"
        self.job = job

    def scan(
        self, *, after_hours: float = 24, taking_hours: float = 0, **options
    ) -> dict[str, int]:
        """Run the three stages some hours after the last time, as if the scan took long."""
        Calendar.moment += timedelta(hours=after_hours)
        numbers: dict[str, int] = {}
        for stage in (list_source, write_tree):
            numbers |= stage(self.job).numbers
        Calendar.moment += timedelta(hours=taking_hours)
        return numbers | dict(clean_orphans(self.job, **options).numbers)

    def remove(self, *films: int) -> None:
        for film in films:
            shutil.rmtree(self.media / f"Film {film}")

    def history(self) -> list[tuple[str | None, int]]:
        with self.job.ledger.read() as connection:
            events = read_events(connection, entity="strm_deletion_plan")
        return [(event.state, event.detail["scans"]) for event in events]


@pytest.fixture
def limits() -> DeletionSettings:
    return DeletionSettings(confirm_after_scans=3)


@pytest.fixture
def shelf(
    tmp_path: Path, ledger: Ledger, limits: DeletionSettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shelf]:
    monkeypatch.setattr(source_scan, "datetime", Calendar)
    monkeypatch.setattr(confirmation, "datetime", Calendar)
    monkeypatch.setattr(Calendar, "moment", datetime.now(UTC))
    settings = StrmJobSettings(
        source=LocalSourceSettings(path=tmp_path / "media"),
        output=tmp_path / "library",
        url_template="http://nas/{path}",
        deletion=limits,
    )
    write_media(tmp_path / "media", [f"Film {n}/Film {n}.mkv" for n in range(FILMS)])
    with hold_lease(ledger, "strm", purpose="test") as lease:
        job = JobRun("movies", settings, lease, ledger, Lake(tmp_path / "lake"))
        shelf = Shelf(tmp_path, job)
        shelf.scan()
        yield shelf


def outcome(numbers: dict[str, int]) -> tuple[int, int]:
    return numbers["deleted"], numbers["waiting"]


def test_the_same_plan_of_enough_scans_is_carried_out(shelf: Shelf) -> None:
    shelf.remove(*range(10))
    assert [outcome(shelf.scan()) for _ in range(3)] == [(0, 10), (0, 10), (10, 0)]
    assert len(tree_of(shelf.output)) == FILMS - 10
    assert shelf.history() == [("waiting", 1), ("waiting", 2), ("waiting", 3), ("confirmed", 3)]


def test_a_drive_that_is_broken_for_an_afternoon_counts_once(shelf: Shelf) -> None:
    shelf.remove(*range(10))
    assert {outcome(shelf.scan(after_hours=1 / 6)) for _ in range(30)} == {(0, 10)}
    assert shelf.history() == [("waiting", 1)]


def test_scans_that_take_a_day_are_no_second_look_at_once(shelf: Shelf) -> None:
    shelf.remove(*range(10))
    for _ in range(2):
        assert outcome(shelf.scan(after_hours=1, taking_hours=23)) == (0, 10)
    assert shelf.history() == [("waiting", 1)]


def test_the_same_scan_never_counts_twice(shelf: Shelf) -> None:
    shelf.remove(*range(10))
    shelf.scan()
    for _ in range(5):
        assert outcome(dict(clean_orphans(shelf.job).numbers)) == (0, 10)
    assert shelf.history() == [("waiting", 1)]


@pytest.mark.parametrize("change", ["one more", "one came back"])
def test_another_plan_begins_anew(shelf: Shelf, change: str) -> None:
    shelf.remove(*range(10))
    shelf.scan()
    shelf.scan()
    if change == "one more":
        shelf.remove(10)
    else:
        write_media(shelf.media, ["Film 0/Film 0.mkv"])
    assert [shelf.scan()["deleted"] for _ in range(2)] == [0, 0]
    assert shelf.scan()["deleted"] == (11 if change == "one more" else 9)


def test_a_listing_with_a_hole_begins_anew_and_confirms_nothing(shelf: Shelf) -> None:
    shelf.remove(*range(10))
    shelf.scan()
    shelf.scan()
    hole = shelf.media / "hole"
    hole.symlink_to("/nowhere")
    assert [outcome(shelf.scan()) for _ in range(4)] == [(0, 10)] * 4
    hole.unlink()
    assert [shelf.scan()["deleted"] for _ in range(3)] == [0, 0, 10]


def test_media_that_come_back_withdraw_the_plan(shelf: Shelf) -> None:
    shelf.remove(*range(10))
    shelf.scan()
    write_media(shelf.media, [f"Film {n}/Film {n}.mkv" for n in range(10)])
    assert outcome(shelf.scan()) == (0, 0)
    assert shelf.history() == [("waiting", 1), ("withdrawn", 1)]
    shelf.remove(*range(10))
    assert [shelf.scan()["deleted"] for _ in range(3)] == [0, 0, 10]


def test_all_files_of_a_job_always_need_an_approval(shelf: Shelf) -> None:
    shelf.remove(*range(FILMS))
    (shelf.media / "readme.txt").write_text("a source that is not empty")
    assert {outcome(shelf.scan()) for _ in range(6)} == {(0, FILMS)}
    assert len(tree_of(shelf.output)) == FILMS


@pytest.mark.parametrize("limits", [DeletionSettings(confirm_after_scans=0)])
def test_without_confirmation_only_an_approval_helps(shelf: Shelf) -> None:
    shelf.remove(*range(10))
    assert {outcome(shelf.scan()) for _ in range(6)} == {(0, 10)}


def test_a_dry_run_counts_nothing(shelf: Shelf) -> None:
    shelf.remove(*range(10))
    assert {outcome(shelf.scan(dry_run=True)) for _ in range(6)} == {(0, 10)}
    assert shelf.history() == []


def test_an_approval_is_in_the_history_and_carries_out_its_plan_alone(shelf: Shelf) -> None:
    shelf.remove(*range(10))
    shelf.scan()
    plan_id = str(clean_orphans(shelf.job).notes["plan_id"])
    with pytest.raises(PlanChangedError, match="is not what the last listing gives"):
        clean_orphans(shelf.job, approved_plan="0" * 12, only_approved=True)
    with pytest.raises(PlanChangedError, match="No deletion plan was named"):
        clean_orphans(shelf.job, only_approved=True)
    assert len(tree_of(shelf.output)) == FILMS
    done = clean_orphans(shelf.job, approved_plan=plan_id, only_approved=True)
    assert done.numbers["deleted"] == 10
    assert shelf.history()[-1] == ("approved", 1)
    with pytest.raises(PlanChangedError, match="nothing is to be deleted now"):
        clean_orphans(shelf.job, approved_plan=plan_id, only_approved=True)
