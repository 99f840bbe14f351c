"""The manifest on both kinds of database: what a job owns, and where."""

from pathlib import Path

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import read_events
from sync_assets.strm.announcements import ChangeKind, pending_announcement
from sync_assets.strm.manifest import Manifest
from sync_assets.strm.models import OwnedFile

NEIGHBOURS = ["A", "A b", "A!", "A0", "Aé", "a", "a/x", ""]
FILES = [
    OwnedFile("", "root.strm"),
    OwnedFile("剧/第1季", "a.strm"),
    OwnedFile("剧/第1季", "b.strm"),
]


def test_what_is_entered_is_found_until_it_is_struck_out(ledger: Ledger) -> None:
    manifest = Manifest(ledger, "movies")
    Manifest(ledger, "shows").enter(FILES)
    manifest.enter(FILES)
    manifest.enter(FILES)
    assert manifest.count() == 3
    assert list(manifest.directories()) == ["", "剧/第1季"]
    assert manifest.names(["", "剧/第1季", "none"]) == {
        "": {"root.strm"},
        "剧/第1季": {"a.strm", "b.strm"},
    }
    assert manifest.names([""], written_before=0) == {}
    manifest.strike([*FILES[1:], OwnedFile("never", "there.strm")])
    assert list(manifest.directories()) == [""]
    assert Manifest(ledger, "shows").count() == 3


def test_another_output_leaves_the_files_of_before_without_an_owner(ledger: Ledger) -> None:
    manifest = Manifest(ledger, "movies")
    assert manifest.claim_output(Path("/a")) == 0
    manifest.enter(FILES)
    assert manifest.claim_output(Path("/a")) == 0
    assert manifest.claim_output(Path("/b")) == 3
    assert manifest.count() == 0
    with ledger.read() as connection:
        last = read_events(connection, entity="strm_output", entity_id="movies")[-1]
    assert last.detail == {"before": "/a", "now": "/b", "files_left": 3}


def test_changes_are_noted_with_the_files_only_where_somebody_is_told(ledger: Ledger) -> None:
    Manifest(ledger, "quiet").enter(FILES)
    assert pending_announcement(ledger, "quiet") is None
    manifest = Manifest(ledger, "told", announces=True)
    manifest.enter(FILES)
    manifest.strike(FILES[:1])
    announcement = pending_announcement(ledger, "told")
    assert announcement is not None
    assert announcement.kinds["root.strm"] is ChangeKind.DELETED
    assert announcement.kinds["剧/第1季/a.strm"] is ChangeKind.WRITTEN


def test_a_subtree_is_itself_and_what_is_below_it(ledger: Ledger) -> None:
    manifest = Manifest(ledger, "films")
    inside = ["A", "A/x", "A/x/y", "A/é", "A/進撃"]
    manifest.enter(OwnedFile(path, "f.strm") for path in {*inside, *NEIGHBOURS})
    assert sorted(manifest.directories("A")) == sorted(inside)
    assert set(manifest.directories()) == {*inside, *NEIGHBOURS}


def test_a_moved_subtree_is_entered_before_and_struck_out_after(ledger: Ledger) -> None:
    manifest, other = Manifest(ledger, "films"), Manifest(ledger, "shows")
    for each in (manifest, other):
        each.enter(OwnedFile(path, "f.strm") for path in {*NEIGHBOURS, "A/x", "A/進撃/y"})
    manifest.enter_moved("A", "B/c")
    manifest.enter_moved("A", "B/c")
    assert sorted(manifest.directories("B")) == ["B/c", "B/c/x", "B/c/進撃/y"]
    manifest.strike_below("A")
    assert list(manifest.directories("A")) == []
    assert {"A b", "A!", "A0", "a", "a/x"} <= set(manifest.directories())
    assert len(list(other.directories("A"))) == 3
