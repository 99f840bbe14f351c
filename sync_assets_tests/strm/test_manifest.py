"""The manifest on each kind of database: whole subtrees, and no neighbours."""

from sync_assets.ledger import Ledger
from sync_assets.strm.manifest import Manifest
from sync_assets.strm.models import OwnedFile

NEIGHBOURS = ["A", "A b", "A!", "A0", "Aé", "a", "a/x", ""]


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
