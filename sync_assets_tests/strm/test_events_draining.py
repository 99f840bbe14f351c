"""From the inbox to the library: traps 24 to 29. Events say where to look, never what is true."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from sync_assets import strm
from sync_assets.lake import Lake
from sync_assets.launching import ActiveRun, wanted_run
from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import Delivery, claim, store, wake
from sync_assets.ledger.leases import Lease, LeaseLostError, hold_lease
from sync_assets.ledger.schema import inbox_events, strm_event_deletions
from sync_assets.ledger.types import utc_now
from sync_assets.settings.strm import LocalSourceSettings, StrmJobSettings, StrmSettings
from sync_assets.strm import notify
from sync_assets.strm.deleting.event_budget import BUDGET_HOURS
from sync_assets.strm.events import looking
from sync_assets.strm.events.draining import MAXIMUM_DEATHS, RETRY_SECONDS, Drain, Drained
from sync_assets.strm.events.drives import DriveUnmountedError
from sync_assets.strm.events.notification import UnusableNotificationError
from sync_assets.strm.events.waiting import EVENT_JOB
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.metadata.stage import write_metadata
from sync_assets.strm.pipeline import clean_orphans, list_source, write_tree
from sync_assets_tests.support.media import tree_of, write_media
from sync_assets_tests.upstreams.openlist import OpenListServer


@dataclass
class Shelf:
    """Two jobs, films and shows, on folders of a test; their drive is called /drive."""

    base: Path
    ledger: Ledger
    lake: Lake
    lease: Lease
    changes: dict[str, Any]
    sent: int = 0

    @property
    def settings(self) -> StrmSettings:
        jobs = {
            name: StrmJobSettings(
                source=LocalSourceSettings(path=self.base / "media" / name),
                output=self.base / "library" / name,
                url_template="http://nas/{path}",
                event_root=f"/drive/{name}",
                **self.changes,
            )
            for name in ("films", "shows")
        }
        return StrmSettings(jobs=jobs)

    def media(self, job: str = "films") -> Path:
        return self.base / "media" / job

    def output(self, job: str = "films") -> Path:
        return self.base / "library" / job

    def job(self, name: str = "films") -> JobRun:
        return JobRun(name, self.settings.jobs[name], self.lease, self.ledger, self.lake)

    def scan(self, name: str = "films") -> dict[str, int]:
        numbers: dict[str, int] = {}
        for stage in (list_source, write_tree, write_metadata, clean_orphans):
            numbers |= stage(self.job(name)).numbers
        return numbers

    def send(self, *items: tuple[str, ...], is_dir: bool = False) -> None:
        """Store events, each (action, path) or (rename, path, destination), below /drive."""
        for action, path, *destination in items:
            self.deliver(
                {
                    "data": [
                        {
                            "action": action,
                            "is_dir": is_dir,
                            "source_file": f"/drive/{path}",
                            "destination_file": f"/drive/{destination[0]}" if destination else "",
                        }
                    ]
                }
            )

    def deliver(self, payload: dict[str, Any]) -> None:
        self.sent += 1
        with self.ledger.write() as connection:
            store(connection, [Delivery("clouddrive", str(self.sent), payload)])

    def drain(self, run_id: str = "run") -> Drained:
        return Drain(self.settings, self.ledger, self.lake, lease=self.lease, run_id=run_id).run()

    def wake(self) -> None:
        """Let time pass for the events that were put back."""
        with self.ledger.write() as connection:
            wake(connection, "clouddrive")

    def numbers(self, drained: Drained, job: str = "films") -> dict[str, int]:
        (result,) = drained.jobs[job].results
        return dict(result.numbers)

    def states(self) -> list[str]:
        with self.ledger.read() as connection:
            query = select(inbox_events.c.state).order_by(inbox_events.c.id)
            return list(connection.execute(query).scalars())

    def reasons(self) -> list[str]:
        with self.ledger.read() as connection:
            return list(connection.execute(select(inbox_events.c.failure_reason)).scalars())

    def names(self, job: str = "films") -> set[str]:
        return set(tree_of(self.output(job)))


@pytest.fixture
def shelf(tmp_path: Path, sqlite_ledger: Ledger) -> Iterator[Shelf]:
    with hold_lease(sqlite_ledger, "strm", purpose="test") as lease:
        shelf = Shelf(tmp_path, sqlite_ledger, Lake(tmp_path / "lake"), lease, {})
        for job in ("films", "shows"):
            write_media(shelf.media(job), [f"{n}/{job} {n}.mkv" for n in range(20)])
            shelf.scan(job)
        yield shelf


def agrees(shelf: Shelf, job: str = "films") -> bool:
    """Tell whether a full run would change nothing any more."""
    numbers = shelf.scan(job)
    return not any(numbers[name] for name in ("created", "updated", "deleted", "waiting"))


def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the directories that are listed from now on, as they are."""
    calls: list[str] = []
    real = os.scandir

    def scandir(path):
        calls.append(str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return calls


def test_a_new_film_is_on_the_shelf_and_only_its_folder_was_listed(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_media(shelf.media(), ["3/new.mkv"])
    write_media(shelf.media(), ["4/unnamed.mkv"])
    shelf.send(("create", "films/3/new.mkv"))
    calls = listed(monkeypatch)
    numbers = shelf.numbers(shelf.drain())
    assert (numbers["created"], numbers["unchanged"]) == (1, 1)
    assert calls == [str(shelf.media() / "3")]
    assert "3/new.strm" in shelf.names()
    assert "4/unnamed.strm" not in shelf.names()
    assert shelf.states() == ["done"]


def test_a_deleted_film_leaves_with_its_empty_folder(shelf: Shelf) -> None:
    shutil.rmtree(shelf.media() / "3")
    shelf.send(("delete", "films/3/films 3.mkv"))
    assert shelf.numbers(shelf.drain())["deleted"] == 1
    assert not (shelf.output() / "3").exists()
    assert agrees(shelf)


def test_a_deletion_that_is_not_true_deletes_nothing_and_settles_in_the_end(shelf: Shelf) -> None:
    before = shelf.names()
    shelf.send(("delete", "films/3/films 3.mkv"), ("delete", "films/4"))
    for _ in range(len(RETRY_SECONDS)):
        assert shelf.drain().later == 2
        shelf.wake()
    assert shelf.drain().settled == 2
    assert shelf.names() == before


def test_trap_24_a_deleted_directory_takes_our_files_and_leaves_the_users(shelf: Shelf) -> None:
    write_media(shelf.media(), ["show/s1/a.mkv", "show/s2/b.mkv"])
    shelf.send(("create", "films/show"), is_dir=True)
    assert shelf.numbers(shelf.drain())["created"] == 2
    (shelf.output() / "show" / "s1" / "a.nfo").write_text("scraped")
    shutil.rmtree(shelf.media() / "show")
    shelf.send(("delete", "films/show"), is_dir=True)
    assert shelf.numbers(shelf.drain())["deleted"] == 2
    left = [path for path in shelf.names() if path.startswith("show/")]
    assert left == ["show/s1/a.nfo"]
    assert agrees(shelf)


@pytest.mark.parametrize("exists", [True, False])
def test_trap_24_a_directory_that_is_not_listable_yet_is_looked_at_again(
    shelf: Shelf, exists: bool
) -> None:
    if exists:
        (shelf.media() / "new").mkdir()
    shelf.send(("create", "films/new"), is_dir=True)
    assert shelf.drain().later == 1
    assert shelf.states() == ["received"]
    assert shelf.drain().events == 0
    write_media(shelf.media(), ["new/a.mkv", "new/s1/b.mkv"])
    shelf.wake()
    assert shelf.numbers(shelf.drain("next"))["created"] == 2
    assert shelf.states() == ["done"]


def test_trap_24_a_directory_that_stays_empty_is_given_up_with_the_reason(shelf: Shelf) -> None:
    (shelf.media() / "new").mkdir()
    shelf.send(("create", "films/new"), is_dir=True)
    for _ in range(len(RETRY_SECONDS)):
        assert shelf.drain().later == 1
        shelf.wake()
    assert len(shelf.drain().failed) == 1
    assert shelf.states() == ["failed"]
    assert "folder is empty" in shelf.reasons()[0]


def test_trap_24_a_listing_that_lags_does_not_take_what_was_just_written(shelf: Shelf) -> None:
    film = shelf.media() / "3" / "films 3.mkv"
    film.rename(shelf.base / "away")
    write_media(shelf.media(), ["3/other.mkv"])
    shelf.send(("create", "films/3/films 3.mkv"), ("create", "films/3/other.mkv"))
    drained = shelf.drain()
    assert (drained.later, drained.settled) == (1, 1)
    assert shelf.numbers(drained)["deleted"] == 0
    assert {"3/films 3.strm", "3/other.strm"} <= shelf.names()


def test_trap_24_a_renamed_directory_moves_with_the_users_own_files(shelf: Shelf) -> None:
    write_media(shelf.media(), ["old/s1/a.mkv", "old/s1/b.mkv"])
    shelf.scan()
    own = {"old/s1/a.nfo": "scraped", "old/poster.jpg": "image"}
    for path, text in own.items():
        (shelf.output() / path).write_text(text)
    (shelf.media() / "sub").mkdir()
    (shelf.media() / "old").rename(shelf.media() / "sub" / "new")
    (shelf.media() / "sub" / "new" / "s1" / "b.mkv").unlink()
    shelf.send(("rename", "films/old", "films/sub/new"), is_dir=True)
    numbers = shelf.numbers(shelf.drain())
    assert (numbers["moved"], numbers["updated"], numbers["deleted"]) == (1, 1, 1)
    assert not (shelf.output() / "old").exists()
    new = shelf.output() / "sub" / "new"
    assert {path.name for path in new.rglob("*.*")} == {"a.strm", "a.nfo", "poster.jpg"}
    assert (new / "s1" / "a.strm").read_text() == "http://nas/sub/new/s1/a.mkv"
    assert agrees(shelf)


def test_trap_24_a_move_goes_nowhere_through_a_link(shelf: Shelf, tmp_path: Path) -> None:
    write_media(shelf.media(), ["old/a.mkv"])
    shelf.scan()
    outside = tmp_path / "outside"
    outside.mkdir()
    (shelf.output() / "trap").symlink_to(outside)
    (shelf.media() / "trap").mkdir()
    (shelf.media() / "old").rename(shelf.media() / "trap" / "new")
    shelf.send(("rename", "films/old", "films/trap/new"), is_dir=True)
    shelf.drain()
    assert list(outside.iterdir()) == []


def test_trap_25_a_rename_onto_a_taken_place_keeps_what_is_there(shelf: Shelf) -> None:
    write_media(shelf.media(), ["old/a.mkv"])
    shelf.scan()
    taken = shelf.output() / "new"
    taken.mkdir()
    (taken / "a.strm").write_text("http://mine/")
    (taken / "mine.nfo").write_text("mine")
    (shelf.output() / "old" / "a.nfo").write_text("scraped")
    (shelf.media() / "old").rename(shelf.media() / "new")
    shelf.send(("rename", "films/old", "films/new"), is_dir=True)
    numbers = shelf.numbers(shelf.drain())
    assert (numbers["moved"], numbers["foreign"], numbers["deleted"]) == (0, 1, 1)
    assert (taken / "a.strm").read_text() == "http://mine/"
    assert (taken / "mine.nfo").read_text() == "mine"
    assert (shelf.output() / "old" / "a.nfo").read_text() == "scraped"


def test_trap_25_a_move_across_jobs_leaves_one_library_for_the_other(shelf: Shelf) -> None:
    (shelf.media() / "3").rename(shelf.media("shows") / "moved")
    shelf.send(("rename", "films/3", "shows/moved"), is_dir=True)
    drained = shelf.drain()
    assert shelf.numbers(drained)["deleted"] == 1
    assert shelf.numbers(drained, "shows")["created"] == 1
    assert "moved/films 3.strm" in shelf.names("shows")
    assert agrees(shelf)
    assert agrees(shelf, "shows")


def test_trap_25_a_move_out_of_every_root_deletes_and_one_into_it_creates(shelf: Shelf) -> None:
    (shelf.media() / "3").rename(shelf.base / "recycled")
    shelf.send(("rename", "films/3", "recycled/3"), is_dir=True)
    assert shelf.numbers(shelf.drain())["deleted"] == 1
    (shelf.base / "recycled").rename(shelf.media() / "back")
    shelf.send(("rename", "recycled/3", "films/back"), is_dir=True)
    assert shelf.numbers(shelf.drain())["created"] == 1
    assert agrees(shelf)


def test_trap_25_a_chain_of_renames_moves_once_to_its_end(shelf: Shelf) -> None:
    (shelf.output() / "3" / "own.nfo").write_text("mine")
    (shelf.media() / "3").rename(shelf.media() / "c")
    shelf.send(("rename", "films/3", "films/b"), ("rename", "films/b", "films/c"), is_dir=True)
    drained = shelf.drain()
    assert shelf.numbers(drained)["moved"] == 1
    assert (shelf.output() / "c" / "own.nfo").read_text() == "mine"
    assert {path for path in shelf.names() if path[0] in "3bc"} == {"c/films 3.strm", "c/own.nfo"}
    assert agrees(shelf)


def test_trap_25_a_swap_ends_with_the_right_links(shelf: Shelf) -> None:
    media = shelf.media()
    (media / "1").rename(media / "t")
    (media / "2").rename(media / "1")
    (media / "t").rename(media / "2")
    shelf.send(
        ("rename", "films/1", "films/t"),
        ("rename", "films/2", "films/1"),
        ("rename", "films/t", "films/2"),
        is_dir=True,
    )
    shelf.drain()
    assert {"1/films 2.strm", "2/films 1.strm"} <= shelf.names()
    assert not {"1/films 1.strm", "2/films 2.strm", "t/films 1.strm"} & shelf.names()
    assert agrees(shelf)


def test_trap_26_duplicates_and_any_order_end_in_the_same(shelf: Shelf) -> None:
    (shelf.media() / "1" / "films 1.mkv").rename(shelf.media() / "1" / "renamed.mkv")
    shutil.rmtree(shelf.media() / "2")
    write_media(shelf.media(), ["fresh/a.mkv"])
    events = [
        ("delete", "films/2"),
        ("create", "films/fresh"),
        ("rename", "films/1/films 1.mkv", "films/1/renamed.mkv"),
        ("create", "films/fresh/a.mkv"),
    ]
    shelf.send(*reversed(events), *events, *events)
    shelf.drain()
    after = shelf.names()
    assert {"1/renamed.strm", "fresh/a.strm"} <= after
    assert not {"1/films 1.strm", "2/films 2.strm"} & after
    shelf.send(*events)
    shelf.drain()
    assert shelf.names() == after
    assert agrees(shelf)


def test_trap_26_deleted_and_then_made_again_is_there(shelf: Shelf) -> None:
    shelf.send(("delete", "films/3/films 3.mkv"), ("create", "films/3/films 3.mkv"))
    drained = shelf.drain()
    assert (drained.settled, shelf.numbers(drained)["deleted"]) == (2, 0)
    assert "3/films 3.strm" in shelf.names()


def test_trap_26_an_event_older_than_the_last_scan_cannot_undo_it(shelf: Shelf) -> None:
    shelf.send(("delete", "films/3"), ("create", "films/gone/x.mkv"), is_dir=True)
    before = shelf.names()
    shelf.scan()
    shelf.drain()
    assert shelf.names() == before


def test_trap_26_a_burst_becomes_one_scan_of_what_it_shares(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "MAXIMUM_TOUCHES", 50)
    names = [f"season/{n}/e{n}.mkv" for n in range(80)]
    write_media(shelf.media(), names)
    shelf.send(*(("create", f"films/{name}") for name in names))
    shelf.send(("create", "films/season/late/e.mkv"))
    calls = listed(monkeypatch)
    drained = shelf.drain()
    assert shelf.numbers(drained)["created"] == 80
    assert (drained.settled, drained.later) == (80, 1)
    assert len(calls) == 82
    assert shelf.media() / "3" not in map(Path, calls)


def test_trap_26_a_burst_over_everything_becomes_a_full_scan(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "MAXIMUM_TOUCHES", 10)
    write_media(shelf.media(), [f"{n}/new.mkv" for n in range(20)])
    shelf.send(*(("create", f"films/{n}/new.mkv") for n in range(20)))
    numbers = shelf.numbers(shelf.drain())
    assert (numbers["created"], numbers["listed"]) == (20, 40)
    assert shelf.states() == ["done"] * 20


def test_trap_27_a_body_without_form_scans_what_it_may_be_about(shelf: Shelf) -> None:
    write_media(shelf.media(), ['3/a"b.mkv'])
    write_media(shelf.media("shows"), ["3/unnamed.mkv"])
    shelf.deliver({"unparsed": '{"data":[{"source_file":"/drive/films/3/a"b.mkv"}]}'})
    assert shelf.numbers(shelf.drain())["created"] == 1
    assert "3/unnamed.strm" not in shelf.names("shows")
    shelf.deliver({"unparsed": "what is this?"})
    assert shelf.numbers(shelf.drain(), "shows")["created"] == 1


def test_trap_27_a_refused_event_says_why(shelf: Shelf) -> None:
    shelf.send(("delete", "films/../../etc"), is_dir=True)
    drained = shelf.drain()
    assert len(drained.failed) == 1
    assert shelf.states() == ["failed"]
    assert "upwards" in shelf.reasons()[0]


@pytest.mark.parametrize("path", ["films", "", "films/3/.."])
def test_trap_23_the_death_of_a_root_is_not_believed(shelf: Shelf, path: str) -> None:
    before = shelf.names()
    shelf.send(("delete", path), is_dir=True)
    shelf.drain()
    assert shelf.names() == before


def mount(action: str, mount_point: str, at: int = 1_763_776_800) -> dict[str, Any]:
    item = {"action": action, "mount_point": mount_point, "status": "true", "reason": ""}
    return {"event_time": str(at), "data": [item]}


def test_trap_28_from_unmount_to_mount_a_job_rests(shelf: Shelf) -> None:
    shelf.deliver(mount("unmount", str(shelf.media())))
    shelf.drain()
    shutil.rmtree(shelf.media() / "3")
    before = shelf.names()
    shelf.send(("delete", "films/3"), is_dir=True)
    assert shelf.drain().later == 1
    for stage in (list_source, clean_orphans):
        with pytest.raises(DriveUnmountedError, match="was unmounted"):
            stage(shelf.job())
    assert shelf.names() == before
    assert agrees(shelf, "shows")
    shelf.deliver(mount("mount", str(shelf.media()), 1_763_776_900))
    drained = shelf.drain()
    # The first claim brings the mount event, which wakes the other.
    assert drained.settled == 2
    assert shelf.numbers(drained)["deleted"] == 1
    assert agrees(shelf)


def test_trap_28_reports_of_a_drive_may_come_late(shelf: Shelf) -> None:
    root = str(shelf.media())
    shelf.deliver(mount("mount", root, 1_763_776_900))
    shelf.deliver(mount("unmount", root, 1_763_776_800))
    shelf.drain()
    assert agrees(shelf)
    shelf.deliver(mount("unmount", root, 9_999_999_999))
    shelf.drain()
    with pytest.raises(DriveUnmountedError):
        list_source(shelf.job())
    shelf.deliver({"data": [{"action": "mount", "mount_point": root, "status": "true"}]})
    shelf.drain()
    assert agrees(shelf)


def test_trap_28_a_source_that_is_gone_keeps_its_library_and_its_events(shelf: Shelf) -> None:
    before = shelf.names()
    shelf.media().rename(shelf.base / "unplugged")
    shelf.send(("delete", "films/3"), is_dir=True)
    drained = shelf.drain()
    assert (drained.later, shelf.names()) == (1, before)
    assert "Mount the drive" in str(drained.jobs["films"].error)
    shelf.media().mkdir()
    shelf.wake()
    shelf.send(("delete", "films/4"), is_dir=True)
    drained = shelf.drain()
    assert (drained.later, shelf.names()) == (2, before)
    assert "empty" in str(drained.jobs["films"].error)


def test_trap_29_a_scan_does_not_undo_what_an_event_did_while_it_ran(shelf: Shelf) -> None:
    write_media(shelf.media(), ["3/both.mkv"])
    shelf.scan()
    list_source(shelf.job())
    write_media(shelf.media(), ["3/new.mkv", "fresh/a.mkv"])
    (shelf.media() / "3" / "both.mkv").unlink()
    shutil.rmtree(shelf.media() / "4")
    shelf.send(
        ("create", "films/3/new.mkv"),
        ("delete", "films/3/both.mkv"),
        ("create", "films/fresh/a.mkv"),
        ("delete", "films/4"),
    )
    shelf.drain()
    after = shelf.names()
    assert {"3/new.strm", "fresh/a.strm"} <= after
    assert not {"3/both.strm", "4/films 4.strm"} & after
    write_tree(shelf.job())
    clean_orphans(shelf.job())
    assert shelf.names() == after
    assert agrees(shelf)


def test_deleting_obeys_the_limits_of_a_full_run(shelf: Shelf) -> None:
    for number in range(8):
        shutil.rmtree(shelf.media() / str(number))
    shelf.send(*(("delete", f"films/{number}") for number in range(8)), is_dir=True)
    drained = shelf.drain()
    numbers = shelf.numbers(drained)
    assert (numbers["deleted"], numbers["waiting"]) == (0, 8)
    assert "8 of 20" in str(drained.jobs["films"].results[0].notes["left_to_the_next_full_scan"])
    assert len(shelf.names()) == 20
    assert shelf.scan()["waiting"] == 8


def test_many_small_runs_together_obey_the_limits_of_one_full_run(shelf: Shelf) -> None:
    deleted = []
    for number in range(10):
        shutil.rmtree(shelf.media() / str(number))
        shelf.send(("delete", f"films/{number}"), is_dir=True)
        deleted.append(shelf.numbers(shelf.drain(f"run {number}"))["deleted"])
    assert deleted == [1] * 5 + [0] * 5
    assert len(shelf.names()) == 15
    # Nothing is lost: the full scan finds what was left, within its own limits.
    assert shelf.scan()["deleted"] == 5
    assert agrees(shelf)


def test_the_budget_of_events_is_whole_again_after_a_day(shelf: Shelf) -> None:
    for number in range(6):
        shutil.rmtree(shelf.media() / str(number))
        shelf.send(("delete", f"films/{number}"), is_dir=True)
        shelf.drain(f"run {number}")
    assert len(shelf.names()) == 15
    with shelf.ledger.write() as connection:
        yesterday = utc_now() - timedelta(hours=BUDGET_HOURS, seconds=1)
        connection.execute(update(strm_event_deletions).values(deleted_at=yesterday))
    shelf.send(("delete", "films/5"), is_dir=True)
    assert shelf.numbers(shelf.drain("next day"))["deleted"] == 1


def test_one_job_does_not_spend_the_budget_of_another(shelf: Shelf) -> None:
    for job in ("films", "shows"):
        for number in range(5):
            shutil.rmtree(shelf.media(job) / str(number))
            shelf.send(("delete", f"{job}/{number}"), is_dir=True)
            assert shelf.numbers(shelf.drain(f"{job} {number}"), job)["deleted"] == 1


def test_a_folder_that_cannot_be_listed_keeps_its_files_and_is_tried_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shelf.names()
    real = os.scandir

    def scandir(path):
        if str(path).endswith("/media/films/3"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    shelf.send(("delete", "films/3/films 3.mkv"), ("rescan", "films/3"))
    drained = shelf.drain()
    assert (drained.later, shelf.names()) == (2, before)


def test_what_the_job_leaves_out_is_left_alone(shelf: Shelf) -> None:
    write_media(shelf.media(), [".trash/a.mkv", "3/readme.txt"])
    shelf.send(("create", "films/.trash/a.mkv"), ("create", "films/3/readme.txt"))
    drained = shelf.drain()
    assert drained.settled == 2
    assert shelf.numbers(drained)["created"] == 0


def test_what_a_dead_run_had_claimed_is_done_by_the_next(shelf: Shelf) -> None:
    write_media(shelf.media(), ["3/new.mkv"])
    shelf.send(("create", "films/3/new.mkv"))
    with shelf.ledger.write() as connection:
        claim(connection, "clouddrive", run_id="dead")
    drained = shelf.drain("next")
    assert (drained.recovered, drained.settled) == (1, 1)
    assert "3/new.strm" in shelf.names()


def test_an_event_that_kills_its_runs_is_given_up(shelf: Shelf) -> None:
    shelf.send(("create", "films/3/new.mkv"))
    with shelf.ledger.write() as connection:
        claim(connection, "clouddrive", run_id="dead")
        connection.execute(update(inbox_events).values(attempts=MAXIMUM_DEATHS))
    assert len(shelf.drain("next").failed) == 1
    assert "runs that claimed it died" in shelf.reasons()[0]


def test_a_lost_lease_deletes_nothing_and_leaves_the_events_to_the_next_run(shelf: Shelf) -> None:
    shutil.rmtree(shelf.media() / "3")
    shelf.send(("delete", "films/3"), is_dir=True)
    shelf.lease._lost.set()
    with pytest.raises(LeaseLostError):
        shelf.drain()
    assert "3/films 3.strm" in shelf.names()
    shelf.lease._lost.clear()
    assert shelf.drain("next").recovered == 1
    assert "3/films 3.strm" not in shelf.names()


def test_other_domains_put_their_files_on_the_shelf(shelf: Shelf) -> None:
    write_media(shelf.media(), ["3/uploaded.mkv"])
    path = "/drive/films/3/uploaded.mkv"
    assert strm.notify(shelf.ledger, path, "create", event_id="upload-17")
    assert not strm.notify(shelf.ledger, path, "create", event_id="upload-17")
    assert strm.notify(shelf.ledger, path, "update", is_directory=False)
    assert shelf.numbers(shelf.drain())["created"] == 1
    for wrong in (("relative.mkv", "create"), (path, "rename"), (path, "nonsense")):
        with pytest.raises(UnusableNotificationError, match="cannot be told"):
            strm.notify(shelf.ledger, *wrong)


def test_a_run_is_wanted_for_new_events_once(sqlite_ledger: Ledger) -> None:
    assert wanted_run(sqlite_ledger, EVENT_JOB, ()) is None
    strm.notify(sqlite_ledger, "/a", "create")
    first = wanted_run(sqlite_ledger, EVENT_JOB, ())
    assert first is not None
    assert first == wanted_run(sqlite_ledger, EVENT_JOB, ())
    for is_started in (False, True):
        assert wanted_run(sqlite_ledger, EVENT_JOB, [ActiveRun("one", is_started)]) is None
    with sqlite_ledger.write() as connection:
        claim(connection, "internal", run_id="one")
    assert wanted_run(sqlite_ledger, EVENT_JOB, ()) is None
    strm.notify(sqlite_ledger, "/b", "create")
    second = wanted_run(sqlite_ledger, EVENT_JOB, [ActiveRun("one", True)])
    assert second is not None
    assert second.run_key != first.run_key
    assert (
        wanted_run(sqlite_ledger, EVENT_JOB, [ActiveRun("one", True), ActiveRun("two", False)])
        is None
    )


def test_no_run_is_wanted_while_a_scan_from_the_shell_holds_the_lease(
    sqlite_ledger: Ledger,
) -> None:
    strm.notify(sqlite_ledger, "/a", "create")
    with hold_lease(sqlite_ledger, "strm", purpose="a full scan"):
        assert wanted_run(sqlite_ledger, EVENT_JOB, ()) is None
    assert wanted_run(sqlite_ledger, EVENT_JOB, ()) is not None


def test_events_that_were_put_back_are_wanted_when_their_time_comes(shelf: Shelf) -> None:
    shelf.send(("create", "films/new/a.mkv"))
    active = [ActiveRun("run", True)]
    shelf.drain()
    assert wanted_run(shelf.ledger, EVENT_JOB, active) is None
    with shelf.ledger.write() as connection:
        connection.execute(update(inbox_events).values(not_before=utc_now() - timedelta(seconds=1)))
    assert wanted_run(shelf.ledger, EVENT_JOB, active) is not None


def test_trap_23_the_good_end_of_a_half_hostile_rename_is_followed_before_it_fails(
    shelf: Shelf,
) -> None:
    shelf.send(("rename", "../x", "films/3/late.mkv"))
    assert shelf.drain().later == 1
    write_media(shelf.media(), ["3/late.mkv"])
    shelf.wake()
    drained = shelf.drain()
    assert shelf.numbers(drained)["created"] == 1
    assert "upwards" in drained.failed[0]


# Metadata files.


@pytest.fixture
def illustrated(shelf: Shelf) -> Shelf:
    """The shelf, whose films bring their metadata files along."""
    shelf.changes["metadata"] = {"mode": "copy", "policy": "update"}
    return shelf


def test_an_event_brings_a_poster_replaces_it_and_removes_it(illustrated: Shelf) -> None:
    poster = illustrated.media() / "3/poster.jpg"
    poster.write_bytes(b"poster")
    illustrated.send(("create", "films/3/poster.jpg"))
    drained = illustrated.drain()
    assert illustrated.numbers(drained)["metadata_copied"] == 1
    assert drained.jobs["films"].changes == ["created 3/poster.jpg"]
    poster.write_bytes(b"another one")
    illustrated.send(("update", "films/3/poster.jpg"))
    assert illustrated.numbers(illustrated.drain())["metadata_updated"] == 1
    assert tree_of(illustrated.output())["3/poster.jpg"] == b"another one"
    poster.unlink()
    illustrated.send(("delete", "films/3/poster.jpg"))
    assert illustrated.numbers(illustrated.drain())["deleted"] == 1
    assert "3/poster.jpg" not in illustrated.names()
    assert illustrated.states() == ["done"] * 3


def test_an_event_does_not_touch_a_poster_of_the_users_own(illustrated: Shelf) -> None:
    (illustrated.output() / "3/poster.jpg").write_bytes(b"mine")
    (illustrated.media() / "3/poster.jpg").write_bytes(b"poster")
    illustrated.send(("create", "films/3/poster.jpg"))
    assert illustrated.numbers(illustrated.drain())["metadata_foreign"] == 1
    (illustrated.media() / "3/poster.jpg").unlink()
    illustrated.send(("delete", "films/3/poster.jpg"))
    illustrated.drain()
    assert tree_of(illustrated.output())["3/poster.jpg"] == b"mine"


def test_a_new_folder_comes_with_its_metadata(illustrated: Shelf) -> None:
    write_media(illustrated.media(), ["new/film.mkv", "new/film.nfo", "new/film.zh.srt"])
    illustrated.send(("create", "films/new"), is_dir=True)
    illustrated.drain()
    assert {"new/film.strm", "new/film.nfo", "new/film.zh.srt"} <= illustrated.names()
    assert agrees(illustrated)


def test_a_renamed_folder_keeps_its_metadata_and_the_manifest_knows_it(
    illustrated: Shelf,
) -> None:
    write_media(illustrated.media(), ["3/poster.jpg"])
    illustrated.scan()
    before = (illustrated.output() / "3/poster.jpg").stat().st_ino
    (illustrated.media() / "3").rename(illustrated.media() / "three")
    illustrated.send(("rename", "films/3", "films/three"), is_dir=True)
    numbers = illustrated.numbers(illustrated.drain())
    assert (numbers["moved"], numbers["metadata_copied"]) == (1, 0)
    assert (illustrated.output() / "three/poster.jpg").stat().st_ino == before
    assert "3/poster.jpg" not in illustrated.names()
    (illustrated.media() / "three/poster.jpg").unlink()
    assert illustrated.scan()["deleted"] == 1


def test_a_scan_that_an_event_asks_for_brings_metadata(illustrated: Shelf) -> None:
    write_media(illustrated.media(), ["3/poster.jpg"])
    illustrated.deliver({"nobody": "knows what this is"})
    illustrated.drain()
    assert "3/poster.jpg" in illustrated.names()


def test_an_event_of_openlist_gives_a_file_with_openlists_own_link(
    tmp_path: Path, sqlite_ledger: Ledger
) -> None:
    lake = Lake(tmp_path / "lake")
    with (
        OpenListServer(base_path="/drive") as server,
        hold_lease(sqlite_ledger, "strm", purpose="test") as lease,
    ):
        source = {"type": "openlist", "base_url": server.url, "path": "/films"}
        settings = StrmSettings.model_validate(
            {
                "jobs": {
                    "films": {
                        "source": source | {"token": server.static_token},
                        "output": tmp_path / "library",
                        "event_root": "/drive/films",
                    }
                }
            }
        )
        server.add("/drive/films/a.mkv")
        notify(sqlite_ledger, "/drive/films/a.mkv", "create")
        Drain(settings, sqlite_ledger, lake, lease=lease, run_id="run").run()
        link = tree_of(tmp_path / "library")["a.strm"].decode()
        assert link == f"{server.url}/d/drive/films/a.mkv?sign={server.sign('/drive/films/a.mkv')}"
