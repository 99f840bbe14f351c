"""Metadata files of a folder: what is copied, what is replaced, and what is never touched.

The numbers in the names are those of the traps in the research on STRM tools.
"""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import Lease, LeaseLostError, hold_lease
from sync_assets.settings.strm import MediaServerSettings, StrmJobSettings
from sync_assets.settings.strm_metadata import METADATA_EXTENSIONS
from sync_assets.settings.strm_sources import LocalSourceSettings
from sync_assets.strm.announcements import ChangeKind, pending_announcement
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.metadata import stage as metadata
from sync_assets.strm.metadata.manifest import MetadataFile, MetadataManifest
from sync_assets.strm.metadata.stage import write_metadata
from sync_assets.strm.models import Decision
from sync_assets.strm.output.directory import TEMPORARY_NAME
from sync_assets.strm.output.new_file import NewFile
from sync_assets.strm.output.root import OutputUnavailableError
from sync_assets.strm.pipeline import ORPHANS, clean_orphans, list_source, write_tree
from sync_assets_tests.support.media import DIFFICULT_NAMES, tree_of, write_media

MODIFIED_AT = 1_600_000_000
POSTER = "Film 1/poster.jpg"


@dataclass
class Library:
    """One job on folders of a test, with its metadata files."""

    base: Path
    ledger: Ledger
    lease: Lease
    metadata: dict[str, Any] = field(default_factory=lambda: {"mode": "copy"})
    changes: dict[str, Any] = field(default_factory=dict)
    servers: dict[str, MediaServerSettings] = field(default_factory=dict)

    @property
    def media(self) -> Path:
        return self.base / "media"

    @property
    def output(self) -> Path:
        return self.base / "library"

    @property
    def lake(self) -> Lake:
        return Lake(self.base / "lake")

    @property
    def job(self) -> JobRun:
        values: dict[str, Any] = {
            "source": LocalSourceSettings(path=self.media),
            "output": self.output,
            "url_template": "http://nas/{path}",
            "metadata": self.metadata,
        }
        settings = StrmJobSettings(**(values | self.changes))
        return JobRun("films", settings, self.lease, self.ledger, self.lake, self.servers)

    def put(self, path: str, content: bytes, modified_at: float = MODIFIED_AT) -> None:
        file = self.media / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, (modified_at, modified_at))

    def sync(self, **options: Any) -> dict[str, int]:
        """Run the four stages; return all numbers."""
        numbers: dict[str, int] = {"failed": 0}
        list_source(self.job)
        for result in (
            write_tree(self.job),
            write_metadata(self.job, **options),
            clean_orphans(self.job),
        ):
            numbers |= result.numbers
            numbers["failed"] += len(result.failures)
        return numbers

    def bring(self, **options: Any) -> tuple[int, ...]:
        """Run all; return how many metadata files were copied, updated, unchanged, and failed."""
        numbers = self.sync(**options)
        names = ("metadata_copied", "metadata_updated", "metadata_unchanged", "failed")
        return tuple(numbers[name] for name in names)


@pytest.fixture
def library(tmp_path: Path, sqlite_ledger: Ledger) -> Iterator[Library]:
    """Twenty films, one of them with a poster, an nfo and a subtitle."""
    with hold_lease(sqlite_ledger, "strm", purpose="test") as lease:
        made = Library(tmp_path, sqlite_ledger, lease)
        write_media(made.media, [f"Film {n}/Film {n}.mkv" for n in range(20)])
        made.put(POSTER, b"\xff\xd8 poster")
        made.put("Film 1/Film 1.nfo", b"<?xml version='1.0'?><movie/>")
        made.put("Film 1/Film 1.zh.srt", "字幕".encode())
        yield made
        assert not list(tmp_path.glob(f"library/**/{TEMPORARY_NAME}*"))


def only_strm(library: Library) -> bool:
    return all(path.endswith(".strm") for path in tree_of(library.output))


def decisions(library: Library) -> dict[str, str]:
    rows = library.lake.table(ORPHANS, partition="films").to_pylist()
    return {row["path"]: row["decision"] for row in rows}


def test_without_the_setting_nothing_comes_along(library: Library) -> None:
    library.metadata = {}
    assert library.bring() == (0, 0, 0, 0)
    assert only_strm(library)


def test_files_come_along_with_their_content_and_time(library: Library) -> None:
    assert library.bring() == (3, 0, 0, 0)
    for path in (POSTER, "Film 1/Film 1.nfo", "Film 1/Film 1.zh.srt"):
        assert (library.output / path).read_bytes() == (library.media / path).read_bytes()
        assert (library.output / path).stat().st_mtime == MODIFIED_AT
        assert stat.S_IMODE((library.output / path).stat().st_mode) & 0o400


def test_a_second_run_touches_nothing(library: Library) -> None:
    library.metadata["policy"] = "update"
    library.sync()
    before = {path: path.stat() for path in library.output.rglob("*")}
    assert library.bring() == (0, 0, 3, 0)
    assert {path: path.stat().st_ctime_ns for path in before} == {
        path: status.st_ctime_ns for path, status in before.items()
    }


def test_only_the_extensions_and_sizes_that_are_asked_for(library: Library) -> None:
    library.metadata |= {"extensions": ["JPG", "png"], "maximum_size_bytes": 100}
    library.put("Film 2/POSTER.JPG", b"a" * 100)
    library.put("Film 2/fanart.png", b"a" * 101)
    library.put("Film 2/notjpg", b"a")
    numbers = library.sync()
    assert (numbers["metadata_copied"], numbers["metadata_too_large"]) == (2, 1)
    assert numbers["bytes"] == 100 + len(b"\xff\xd8 poster")


def test_skip_if_present_keeps_what_is_there(library: Library) -> None:
    library.sync()
    library.put(POSTER, b"another poster", MODIFIED_AT + 1)
    assert library.bring() == (0, 0, 3, 0)
    assert (library.output / POSTER).read_bytes() == b"\xff\xd8 poster"


@pytest.mark.parametrize(
    ("content", "modified_at"),
    [
        (b"other size", MODIFIED_AT),
        (b"\xff\xd8 POSTER", MODIFIED_AT + 1),
        (b"\xff\xd8 POSTER", MODIFIED_AT - 86_400),
    ],
)
def test_update_replaces_what_changed_at_the_source(
    library: Library, content: bytes, modified_at: float
) -> None:
    library.metadata["policy"] = "update"
    library.sync()
    library.put(POSTER, content, modified_at)
    assert library.bring() == (0, 1, 2, 0)
    assert (library.output / POSTER).read_bytes() == content
    assert (library.output / POSTER).stat().st_mtime == modified_at
    assert library.bring() == (0, 0, 3, 0)


def test_an_incremental_run_updates_nothing(library: Library) -> None:
    library.metadata["policy"] = "update"
    library.sync()
    library.put(POSTER, b"another poster", MODIFIED_AT + 1)
    library.put("Film 2/poster.jpg", b"new")
    assert library.bring(skip_existing=True) == (1, 0, 3, 0)
    assert library.bring() == (0, 1, 3, 0)


def test_trap_32_the_clocks_of_source_and_library_are_never_compared(library: Library) -> None:
    library.metadata["policy"] = "update"
    library.put(POSTER, b"from the future", 4_000_000_000.123456)
    library.sync()
    os.utime(library.output / POSTER, (1, 1))
    assert library.bring() == (0, 0, 3, 0)


def test_trap_32_an_unknown_time_is_left_alone_and_copied_once(library: Library) -> None:
    library.metadata["policy"] = "update"
    os.utime(library.media / POSTER, (-62_135_596_800, -62_135_596_800))
    assert library.bring()[0] == 3
    assert (library.output / POSTER).stat().st_mtime > MODIFIED_AT
    assert library.bring() == (0, 0, 3, 0)


def test_a_users_own_file_is_never_overwritten(library: Library) -> None:
    library.metadata["policy"] = "update"
    (library.output / "Film 1").mkdir(parents=True)
    (library.output / POSTER).write_bytes(b"my own")
    assert library.sync()["metadata_foreign"] == 1
    library.put(POSTER, b"another poster", MODIFIED_AT + 1)
    assert library.sync()["metadata_foreign"] == 1
    assert (library.output / POSTER).read_bytes() == b"my own"
    (library.media / POSTER).unlink()
    library.sync()
    assert (library.output / POSTER).read_bytes() == b"my own"


def test_a_file_that_its_user_has_edited_is_not_updated_and_not_deleted(library: Library) -> None:
    library.metadata["policy"] = "update"
    library.sync()
    (library.output / POSTER).write_bytes(b"\xff\xd8 EDITED")
    library.put(POSTER, b"another poster", MODIFIED_AT + 1)
    assert library.sync()["metadata_foreign"] == 1
    (library.media / POSTER).unlink()
    numbers = library.sync()
    assert (numbers["deleted"], decisions(library)) == (0, {POSTER: Decision.EDITED})
    assert (library.output / POSTER).read_bytes() == b"\xff\xd8 EDITED"


def test_an_empty_file_counts_as_missing_and_one_that_was_removed_comes_again(
    library: Library,
) -> None:
    library.sync()
    (library.output / POSTER).write_bytes(b"")
    (library.output / "Film 1/Film 1.nfo").unlink()
    assert library.bring() == (1, 1, 1, 0)
    assert (library.output / POSTER).read_bytes() == b"\xff\xd8 poster"


def test_a_link_in_the_place_of_a_file_is_left_alone(library: Library, tmp_path: Path) -> None:
    library.metadata["policy"] = "update"
    library.sync()
    (tmp_path / "outside.jpg").write_bytes(b"outside")
    (library.output / POSTER).unlink()
    (library.output / POSTER).symlink_to(tmp_path / "outside.jpg")
    library.put(POSTER, b"another poster", MODIFIED_AT + 1)
    library.sync()
    assert (tmp_path / "outside.jpg").read_bytes() == b"outside"
    assert (library.output / POSTER).is_symlink()


def test_a_linked_folder_in_the_output_is_not_entered(library: Library, tmp_path: Path) -> None:
    library.put("Film 1/extra/fanart.jpg", b"fanart")
    (tmp_path / "outside").mkdir()
    (library.output / "Film 1").mkdir(parents=True)
    (library.output / "Film 1/extra").symlink_to(tmp_path / "outside")
    assert library.bring() == (3, 0, 0, 1)
    assert list((tmp_path / "outside").iterdir()) == []


def test_trap_17_a_remote_strm_does_not_replace_a_generated_one(library: Library) -> None:
    library.put("Film 1/Film 1.strm", b"http://elsewhere/film")
    library.sync()
    assert (library.output / "Film 1/Film 1.strm").read_bytes().startswith(b"http://nas/")
    library.metadata["extensions"] = ["STRM"]
    with pytest.raises(ValidationError, match="'strm'"):
        library.sync()


def test_trap_18_names_of_every_kind_come_along(library: Library) -> None:
    stems = [name.rpartition(".")[0] for name in DIFFICULT_NAMES]
    names = {f"{stem}.nfo" for stem in stems} | {"長" * 83 + ".jpg", "x" * 251 + ".srt"}
    for name in names:
        library.put(f"剧 #1?/{name}", name.encode())
    assert library.bring() == (len(names) - 1 + 3, 0, 0, 0)
    for name in names - {".strm.nfo"}:  # hidden files are left out
        assert (library.output / "剧 #1?" / name).read_bytes() == name.encode()


def test_a_metadata_file_whose_source_is_gone_is_deleted_and_its_film_stays(
    library: Library,
) -> None:
    library.sync()
    (library.media / POSTER).unlink()
    assert library.sync()["deleted"] == 1
    assert not (library.output / POSTER).exists()
    assert (library.output / "Film 1/Film 1.strm").exists()
    assert library.sync()["deleted"] == 0


def test_a_film_leaves_with_its_metadata_files_however_many_they_are(library: Library) -> None:
    for number in range(30):
        library.put(f"Film 1/Film 1.{number}.srt", b"text")
    library.sync()
    shutil.rmtree(library.media / "Film 1")
    assert library.sync()["deleted"] == 34
    assert not (library.output / "Film 1").exists()


def test_a_film_that_is_gone_leaves_the_metadata_that_is_still_there(library: Library) -> None:
    library.sync()
    (library.media / "Film 1/Film 1.mkv").unlink()
    assert library.sync()["deleted"] == 1
    assert (library.output / POSTER).exists()


def test_many_metadata_files_that_are_gone_wait_for_approval(library: Library) -> None:
    for number in range(20):
        library.put(f"Film {number}/fanart.jpg", b"fanart")
    library.sync()
    for number in range(20):
        (library.media / f"Film {number}/fanart.jpg").unlink()
    numbers = library.sync()
    assert (numbers["deleted"], numbers["waiting"]) == (0, 20)


def test_a_folder_that_cannot_be_listed_whole_protects_its_metadata(library: Library) -> None:
    library.sync()
    (library.media / POSTER).unlink()
    (library.media / POSTER).symlink_to("nowhere")
    numbers = library.sync()
    assert (numbers["deleted"], numbers["protected"] > 0) == (0, True)
    assert (library.output / POSTER).exists()


def test_switched_off_later_the_metadata_files_stay(library: Library) -> None:
    library.sync()
    library.metadata = {}
    (library.media / POSTER).unlink()
    shutil.rmtree(library.media / "Film 2")
    assert library.sync()["deleted"] == 1
    assert (library.output / POSTER).exists()


def test_another_extension_later_deletes_nothing_that_is_still_at_the_source(
    library: Library,
) -> None:
    library.sync()
    library.metadata["extensions"] = ["nfo"]
    assert library.sync()["deleted"] == 0
    assert (library.output / POSTER).exists()


def test_another_output_owns_nothing_of_what_is_there(library: Library) -> None:
    library.metadata["policy"] = "update"
    library.sync()
    moved = library.base / "moved"
    shutil.copytree(library.output, moved)
    library.changes["output"] = moved
    library.put(POSTER, b"another poster", MODIFIED_AT + 1)
    assert library.sync()["metadata_foreign"] == 3
    assert (moved / POSTER).read_bytes() == b"\xff\xd8 poster"


def test_trap_33_a_file_that_vanishes_or_cannot_be_read_stops_no_other(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.metadata["policy"] = "update"
    library.sync()
    library.put(POSTER, b"another poster", MODIFIED_AT + 1)
    library.put("Film 2/poster.jpg", b"new")
    real = metadata.stored_listing

    def listing_then_vanish(*arguments: Any, **options: Any) -> Any:
        listed = list(real(*arguments, **options))
        (library.media / POSTER).unlink()
        return listed

    monkeypatch.setattr(metadata, "stored_listing", listing_then_vanish)
    list_source(library.job)
    before = (library.output / POSTER).stat()
    result = write_metadata(library.job)
    assert result.numbers["metadata_copied"] == 1
    (failure,) = result.failures
    assert (failure.item, "cannot be read" in failure.error) == (POSTER, True)
    assert failure.remedy
    assert (library.output / POSTER).read_bytes() == b"\xff\xd8 poster"
    assert (library.output / POSTER).stat().st_mtime_ns == before.st_mtime_ns


def test_trap_33_a_file_that_has_grown_since_it_was_listed_waits_for_the_next_listing(
    library: Library,
) -> None:
    list_source(library.job)
    library.put(POSTER, b"grown " * 1_000)
    result = write_metadata(library.job)
    assert [failure.item for failure in result.failures] == [POSTER]
    assert not (library.output / POSTER).exists()
    assert library.bring()[0] == 1


@pytest.mark.parametrize(
    ("code", "message"), [(errno.ENOSPC, "is full"), (errno.EROFS, "is read-only")]
)
def test_trap_31_a_full_or_read_only_disk_ends_the_run_and_leaves_nothing_torn(
    library: Library, monkeypatch: pytest.MonkeyPatch, code: int, message: str
) -> None:
    library.metadata["policy"] = "update"
    library.sync()
    library.put(POSTER, b"another poster", MODIFIED_AT + 1)
    before = tree_of(library.output)
    list_source(library.job)

    def write(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(NewFile, "write", write)
        with pytest.raises(OutputUnavailableError, match=message):
            write_metadata(library.job)
    assert tree_of(library.output) == before
    assert library.bring() == (0, 1, 2, 0)


def test_trap_31_a_folder_that_cannot_be_written_is_a_failure_of_its_files(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = NewFile.place

    def place(self: NewFile, name: str, *, modified_at: float | None) -> None:
        if name == "poster.jpg":
            self.discard()
            raise PermissionError(errno.EACCES, "Permission denied")
        real(self, name, modified_at=modified_at)

    with monkeypatch.context() as patched:
        patched.setattr(NewFile, "place", place)
        assert library.bring() == (2, 0, 0, 1)
    assert not (library.output / POSTER).exists()
    assert library.bring() == (1, 0, 2, 0)


@pytest.mark.parametrize("step", ["enter", "settle"])
def test_a_crash_before_or_after_a_file_takes_its_place_loses_no_ownership(
    library: Library, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    library.metadata["policy"] = "update"
    library.sync()
    library.put(POSTER, b"another poster", MODIFIED_AT + 1)
    real: Callable[..., None] = getattr(MetadataManifest, step)

    def crash(self: MetadataManifest, files: list[MetadataFile]) -> None:
        if step == "enter":
            real(self, files)
        raise KeyboardInterrupt

    list_source(library.job)
    with monkeypatch.context() as patched:
        patched.setattr(MetadataManifest, step, crash)
        with pytest.raises(KeyboardInterrupt):
            write_metadata(library.job)
    library.put(POSTER, b"a third one", MODIFIED_AT + 2)
    assert library.bring() == (0, 1, 2, 0)
    assert (library.output / POSTER).read_bytes() == b"a third one"
    (library.media / POSTER).unlink()
    assert library.sync()["deleted"] == 1


def test_what_a_user_puts_in_place_while_a_file_is_fetched_stays(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = NewFile.write

    def write(self: NewFile, content: bytes) -> None:
        (library.output / POSTER).parent.mkdir(parents=True, exist_ok=True)
        (library.output / POSTER).write_bytes(b"my own")
        real(self, content)

    monkeypatch.setattr(NewFile, "write", write)
    assert library.sync()["metadata_foreign"] == 1
    assert (library.output / POSTER).read_bytes() == b"my own"


def test_after_the_lease_was_lost_nothing_is_replaced(library: Library) -> None:
    list_source(library.job)
    lost = replace(library.lease)
    lost.holder = "somebody else"
    library.lease = lost
    with pytest.raises(LeaseLostError):
        write_metadata(library.job)
    assert not (library.output / POSTER).exists()


def test_stale_temporary_files_are_removed(library: Library) -> None:
    library.sync()
    (library.output / "Film 1" / f"{TEMPORARY_NAME}-17").write_bytes(b"half")
    (library.output / "Film 1" / f"{TEMPORARY_NAME}-my.txt").write_bytes(b"mine")
    library.sync()
    left = [path.name for path in (library.output / "Film 1").glob(f"{TEMPORARY_NAME}*")]
    assert left == [f"{TEMPORARY_NAME}-my.txt"]
    (library.output / "Film 1" / left[0]).unlink()


def test_media_servers_are_told_of_metadata(library: Library) -> None:
    server = MediaServerSettings.model_validate({"base_url": "http://127.0.0.1:1", "api_key": "k"})
    library.servers = {"jellyfin": server}
    library.sync()
    announcement = pending_announcement(library.ledger, "films")
    assert announcement is not None
    assert announcement.kinds[POSTER] is ChangeKind.WRITTEN
    (library.media / POSTER).unlink()
    library.sync()
    announcement = pending_announcement(library.ledger, "films")
    assert announcement is not None
    assert announcement.kinds[POSTER] is ChangeKind.DELETED


def test_the_run_is_told_file_by_file_in_the_lake(library: Library) -> None:
    library.sync()
    rows = library.lake.table(metadata.ASSET, partition="films").to_pylist()
    assert {row["path"]: row["outcome"] for row in rows}[POSTER] == "created"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metadata": {"mode": "download"}}, "use 'copy'"),
        ({"metadata": {"mode": "copy", "extensions": ["mkv"]}}, "mkv: in extensions"),
        ({"metadata": {"mode": "copy", "extensions": [".nfo"]}}, "without a dot"),
        ({"metadata": {"mode": "move"}}, "mode"),
        ({"metadata": {"connections": 0}}, "connections"),
        (
            {"metadata": {"mode": "copy"}, "source": {"type": "openlist", "base_url": "http://a"}},
            "metadata.path",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused(
    library: Library, changes: dict[str, Any], message: str
) -> None:
    library.changes = changes
    with pytest.raises(ValidationError, match=message):
        _ = library.job


def test_the_usual_extensions_are_metadata() -> None:
    assert {
        "nfo",
        "jpg",
        "jpeg",
        "png",
        "webp",
        "tbn",
        "srt",
        "ass",
        "ssa",
        "vtt",
        "sub",
        "idx",
    } <= (METADATA_EXTENSIONS)


def test_what_is_remembered_is_found_on_both_kinds_of_database(ledger: Ledger) -> None:
    manifest = MetadataManifest(ledger, "films")
    files = [
        MetadataFile("剧", "a.nfo", "1", "0", 2**40, 1_600_000_000_123_456),
        MetadataFile("", "b.jpg", "2"),
    ]
    manifest.enter(files)
    manifest.enter(files)
    assert manifest.remembered(["剧"])["剧"]["a.nfo"].replaced_digest == "0"
    manifest.settle(files)
    assert manifest.remembered(["剧", "", "none"]) == {
        "剧": {"a.nfo": replace(files[0], replaced_digest="")},
        "": {"b.jpg": files[1]},
    }
