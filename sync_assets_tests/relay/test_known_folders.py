"""One question per file, or one listing for many, and never a folder that is not seen."""

import pytest

from sync_assets.relay.rclone import folders
from sync_assets.relay.rclone.folders import KnownFolders


class Storage:
    """Folders, and how often somebody asked for them."""

    def __init__(self) -> None:
        self.folders = {"films": {"Alien"}, "": {"films"}}
        self.questions: list[str] = []
        self.listings: list[str] = []
        self.known = KnownFolders(self._is_folder, self._folders_in)

    def _is_folder(self, path: str) -> bool:
        self.questions.append(path)
        folder, _, name = path.rpartition("/")
        return name in self.folders.get(folder, ())

    def _folders_in(self, path: str) -> frozenset[str]:
        self.listings.append(path)
        return frozenset(self.folders.get(path, ()))


def test_few_files_are_asked_for_one_by_one() -> None:
    storage = Storage()
    assert storage.known.has("films/Alien")
    assert not storage.known.has("films/Brazil")
    assert (len(storage.questions), storage.listings) == (2, [])


def test_many_files_of_a_folder_take_one_listing() -> None:
    storage = Storage()
    found = [storage.known.has(f"films/{number}") for number in range(50)]
    assert not any(found)
    assert storage.known.has("films/Alien")
    assert len(storage.questions) < 10
    assert storage.listings == ["films"]


def test_a_folder_that_was_made_since_is_seen() -> None:
    storage = Storage()
    for number in range(50):
        assert not storage.known.has(f"films/{number}")
    storage.folders["films"].add("Brazil")
    storage.known.made("films/Brazil/extras")
    assert storage.known.has("films/Brazil")


def test_what_others_have_made_is_seen_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Storage()
    for number in range(50):
        storage.known.has(f"films/{number}")
    storage.folders["films"].add("Brazil")
    assert not storage.known.has("films/Brazil")
    monkeypatch.setattr(folders, "_REMEMBERED_SECONDS", 0.0)
    assert storage.known.has("films/Brazil")


def test_files_at_the_top_are_asked_for_there() -> None:
    storage = Storage()
    assert all(storage.known.has("films") for _ in range(50))
    assert storage.listings == [""]
