"""Files that were verified need not be read again: only as long as nobody touches them."""

import hashlib
import os
import time
from pathlib import Path

import pytest

from sync_assets.relay.growing_file import GrowingFile
from sync_assets.relay.uploading.local import LocalFile, SourceLostError, digest_of
from sync_assets.relay.verification import Expected, verify
from sync_assets.relay.verified_files import Fingerprint, VerifiedFiles

CONTENT = b"a film"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def settled(path: Path) -> Path:
    """Make a file whose last change can be told from the next one."""
    path.write_bytes(CONTENT)
    deadline = time.monotonic() + 10
    while not Fingerprint.of(path.stat()).is_settled():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return settled(tmp_path / "film.mkv")


def known(path: Path, sha256: str = SHA256) -> VerifiedFiles:
    files = VerifiedFiles()
    files.remember(path, Fingerprint.of(path.stat()), sha256)
    return files


def digest(path: Path, files: VerifiedFiles, sha256: str, *names: str) -> dict[str, str]:
    file = LocalFile(path, "", len(CONTENT), sha256)
    return digest_of(file, frozenset(names), files, lambda: None)


def test_a_file_that_nobody_touches_stays_verified(file: Path) -> None:
    files = known(file)
    assert files.is_untouched(file, SHA256)
    assert not files.is_untouched(file, "0" * 64)
    assert not files.is_untouched(file.with_name("other.mkv"), SHA256)


def write_again(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"a game")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"a game")
    other.replace(path)


@pytest.mark.parametrize("touch", [write_again, replace, Path.unlink])
def test_a_file_that_somebody_touches_is_not(file: Path, touch) -> None:
    files = known(file)
    touch(file)
    assert not files.is_untouched(file, SHA256)
    with pytest.raises(SourceLostError):
        digest(file, files, SHA256)


def test_a_change_that_could_not_be_told_from_the_next_is_not_trusted(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    assert not Fingerprint(1, 1, 1, now, now).is_settled()
    monkeypatch.setattr(Fingerprint, "is_settled", lambda _: False)
    assert verify(file, Expected()).fingerprint is None


def test_what_changes_while_it_is_verified_is_not_trusted(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = GrowingFile.finish

    def change_after(growing: GrowingFile) -> str:
        found = finish(growing)
        os.utime(file)
        return found

    monkeypatch.setattr(GrowingFile, "finish", change_after)
    assert verify(file, Expected()).fingerprint is None


@pytest.mark.parametrize(("age_seconds", "settled"), [(1, False), (4, True)])
def test_clocks_that_tick_in_seconds_are_waited_for(age_seconds: int, settled: bool) -> None:
    changed = (time.time_ns() // 1_000_000_000 - age_seconds) * 1_000_000_000
    assert Fingerprint(1, 1, 1, changed, changed).is_settled() is settled


def test_only_the_checksums_that_are_not_known_are_read(file: Path) -> None:
    # What stays in memory is believed, so that a wrong one shows that nothing was read for it.
    wrong = "0" * 64
    files = known(file, wrong)
    assert digest(file, files, wrong, "sha256") == {"sha256": wrong}
    md5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    assert digest(file, files, wrong, "md5") == {"md5": md5, "sha256": wrong}


def test_a_file_that_changes_while_it_is_read_is_read_again(file: Path) -> None:
    files = known(file)

    def change() -> None:
        os.utime(file)

    wanted = LocalFile(file, "", len(CONTENT), SHA256)
    assert digest_of(wanted, frozenset({"md5"}), files, change)["sha256"] == SHA256


def test_what_was_verified_can_be_remembered(file: Path) -> None:
    verified = verify(file, Expected())
    assert verified.fingerprint == Fingerprint.at(file)


def test_only_the_latest_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync_assets.relay.verified_files._MOST_FILES", 2)
    paths = [settled(tmp_path / name) for name in ("a", "b", "c")]
    files = VerifiedFiles()
    for path in paths:
        files.remember(path, Fingerprint.of(path.stat()), SHA256)
    assert [files.is_untouched(path, SHA256) for path in paths] == [False, True, True]
