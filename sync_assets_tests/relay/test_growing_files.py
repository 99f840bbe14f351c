"""Files that are read while they come: what is recorded of them is what is on the disk."""

import hashlib
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_assets.relay import downloads
from sync_assets.relay.engine import downloading, examining, growing_files
from sync_assets.relay.engine.growing_files import GrowingFiles
from sync_assets.relay.growing_file import GrowingFile
from sync_assets.relay.models import ReasonCode
from sync_assets.relay.verification import Expected, VerificationError, Verified, verify
from sync_assets_tests.relay.conftest import Relay
from sync_assets_tests.upstreams.origin import OriginServer

CONTENT = random.Random(5).randbytes(700_000)
SLOW = 1_000_000


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def open_files(path: Path) -> int:
    """Count how often this process has a file open, also one that is removed."""
    # One that is closed meanwhile is no link any more.
    found = [each.resolve() for each in Path("/proc/self/fd").iterdir()]
    return sum(str(each).removesuffix(" (deleted)") == str(path) for each in found)


@given(
    st.lists(st.tuples(st.binary(max_size=400) | st.just(bytes(3_000)), st.booleans()), max_size=8)
)
def test_however_a_file_grows_its_checksum_is_that_of_its_content(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[bytes, bool]]
) -> None:
    path = tmp_path_factory.mktemp("growing") / "file"
    path.touch()
    with path.open("ab", buffering=0) as writing, GrowingFile(path) as file:
        for piece, is_read in pieces:
            writing.write(piece)
            if is_read:
                file.read_on(1)
        content = b"".join(piece for piece, _ in pieces)
        assert file.finish() == sha256(content)
        assert file.read_bytes == len(content)
        assert file.head == content[:4096]


def test_it_is_brought_to_the_disk_while_it_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    path = tmp_path / "file"
    path.write_bytes(bytes(65 * 1024 * 1024))
    with GrowingFile(path) as file:
        assert file.read_on(1024 * 1024) == 1024 * 1024
        assert not flushed
        assert file.read_on(10**9) == 64 * 1024 * 1024
        assert len(flushed) == 1
        file.finish()
        assert len(flushed) == 2


@pytest.fixture
def files() -> Iterator[GrowingFiles]:
    files = GrowingFiles()
    yield files
    files.close()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mkv"
    path.write_bytes(CONTENT)
    return path


def test_a_file_is_read_along_to_where_it_is(files: GrowingFiles, tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(CONTENT[:1_000])
    files.read_along(path)
    file = files._files[path].file
    wait_for(lambda: file.read_bytes == 1_000)
    assert open_files(path) == 1
    with path.open("ab") as writing:
        writing.write(CONTENT[1_000:])
    wait_for(lambda: file.read_bytes == len(CONTENT))
    files.read_along(path)
    taken = files.take(path)
    assert taken is file
    assert files.take(path) is None
    with taken:
        assert taken.finish() == sha256(CONTENT)


def test_a_file_that_is_not_there_yet_is_read_along_later(
    files: GrowingFiles, tmp_path: Path
) -> None:
    path = tmp_path / "film.mkv"
    files.read_along(path)
    assert files.take(path) is None
    path.write_bytes(CONTENT)
    files.read_along(path)
    taken = files.take(path)
    assert taken is not None
    taken.close()


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_file_that_is_gone_is_let_go_so_that_its_space_is_free(
    files: GrowingFiles, film: Path, is_replaced: bool
) -> None:
    files.read_along(film)
    film.unlink()
    if is_replaced:
        film.write_bytes(CONTENT)
    wait_for(lambda: film not in files._files)
    assert open_files(film) == 0


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk take nothing while a file is read along."""

    def fail(_file: GrowingFile, _most_bytes: int) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(GrowingFile, "read_on", fail)


@pytest.mark.usefixtures("failing")
def test_what_went_wrong_is_said_once_to_whoever_wants_the_file(
    files: GrowingFiles, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing_files, "_KEPT_SECONDS", 0.0)
    files.read_along(film)
    wait_for(lambda: files._files[film].error is not None)
    time.sleep(0.2)
    with pytest.raises(OSError, match="Input/output"):
        files.take(film)
    assert files.take(film) is None
    assert open_files(film) == 0


@pytest.mark.usefixtures("failing")
def test_what_went_wrong_with_an_earlier_file_is_not_said_of_another(
    files: GrowingFiles, film: Path
) -> None:
    files.read_along(film)
    wait_for(lambda: files._files[film].error is not None)
    film.unlink()
    film.write_bytes(CONTENT)
    assert files.take(film) is None
    assert open_files(film) == 0


def test_one_that_nobody_wants_for_a_time_is_let_go(
    files: GrowingFiles, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing_files, "_KEPT_SECONDS", 0.0)
    files.read_along(film)
    wait_for(lambda: not files._files)
    assert open_files(film) == 0


def test_at_the_end_all_are_let_go(files: GrowingFiles, film: Path) -> None:
    files.read_along(film)
    files.close()
    assert files.take(film) is None
    assert open_files(film) == 0


def test_a_page_that_came_in_small_pieces_is_no_film(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(b" <!d")
    with GrowingFile(path) as begun:
        begun.read_on(10**9)
        path.write_bytes(b" <!doctype html><html>")
        with pytest.raises(VerificationError) as caught:
            verify(path, Expected(), begun)
    assert caught.value.reason.code == ReasonCode.WRONG_CONTENT


def test_one_that_is_shorter_than_what_was_read_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(bytes(900_000))
    with GrowingFile(path) as begun:
        begun.read_on(10**9)
        path.write_bytes(CONTENT)
        assert verify(path, Expected(), begun).checksum == f"sha-256={sha256(CONTENT)}"


def test_what_was_read_before_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(CONTENT[:500_000])
    with GrowingFile(path) as begun:
        begun.read_on(10**9)
        with path.open("ab") as writing:
            writing.write(CONTENT[500_000:])
        verified = verify(
            path, Expected(len(CONTENT), checksum=f"sha-256={sha256(CONTENT)}"), begun
        )
        assert begun.read_bytes == len(CONTENT)
    # Nobody knows whether its beginning is still what was read: it is read before it is published.
    assert verified == Verified(len(CONTENT), f"sha-256={sha256(CONTENT)}", None)


def test_another_file_is_not_taken_for_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(b"another one")
    with GrowingFile(path) as begun:
        begun.read_on(10**9)
        path.unlink()
        path.write_bytes(CONTENT)
        assert verify(path, Expected(), begun).checksum == f"sha-256={sha256(CONTENT)}"


def test_a_file_that_grows_while_it_is_verified_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(CONTENT)
    finish = GrowingFile.finish

    def grow(file: GrowingFile) -> str:
        with path.open("ab") as writing:
            writing.write(b"more")
        return finish(file)

    monkeypatch.setattr(GrowingFile, "finish", grow)
    with pytest.raises(VerificationError) as caught:
        verify(path, Expected())
    assert caught.value.reason.code == ReasonCode.WRONG_SIZE


@pytest.fixture
def begun_bytes(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """Return how much of each file was read when it was verified; None where it was not
    read along.

    Files that are small are read along too.
    """
    found: list[int | None] = []

    def recording(path: Path, expected: Expected, begun: GrowingFile | None) -> Verified:
        found.append(begun.read_bytes if begun is not None else None)
        return verify(path, expected, begun)

    monkeypatch.setattr(examining, "verify", recording)
    monkeypatch.setattr(downloading, "_READ_ALONG_BYTES", len(CONTENT))
    return found


def require_completed(relay: Relay, download_id: int) -> None:
    row = relay.row(download_id)
    assert row.state == "completed"
    assert Path(row.path).read_bytes() == CONTENT
    assert row.checksum == f"sha-256={sha256(CONTENT)}"
    assert open_files(Path(row.path)) == 0


def test_a_large_download_is_read_along(
    relay: Relay, origin: OriginServer, begun_bytes: list[int | None]
) -> None:
    large = relay.add(origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW))
    small = relay.add(origin.add("/small.mkv", CONTENT[:-1], bytes_per_second=SLOW))
    relay.run()
    require_completed(relay, large)
    assert relay.row(small).state == "completed"
    (begun,) = [each for each in begun_bytes if each is not None]
    assert 0 < begun <= len(CONTENT)


@pytest.mark.parametrize("fault", ["cut", "restarted aria2", "paused"])
def test_one_that_is_interrupted_has_the_checksum_of_what_is_on_disk(
    relay: Relay, origin: OriginServer, begun_bytes: list[int | None], fault: str
) -> None:
    if fault == "cut":
        origin.fail("/film.mkv", "cut", after=300_000, times=2)
    download_id = relay.add(origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW))
    if fault != "cut":
        with relay.worker() as worker:
            while relay.row(download_id).completed_bytes < 100_000:
                worker.step()
            if fault == "paused":
                relay.wish(downloads.pause, download_id)
                while relay.row(download_id).state != "paused":
                    worker.step()
                relay.wish(downloads.resume, download_id)
            else:
                relay.kill_aria2()
            worker.run(seconds=30)
    relay.run()
    require_completed(relay, download_id)
    assert begun_bytes[-1]


def test_one_that_the_disk_has_not_taken_is_fetched_again(
    relay: Relay,
    origin: OriginServer,
    begun_bytes: list[int | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_on, failed = GrowingFile.read_on, []

    def fail_once(file: GrowingFile, most_bytes: int) -> int:
        if not failed and threading.current_thread().name == "relay-read":
            failed.append(file)
            raise OSError(5, "Input/output error")
        return read_on(file, most_bytes)

    monkeypatch.setattr(GrowingFile, "read_on", fail_once)
    download_id = relay.add(origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW))
    relay.run()
    require_completed(relay, download_id)
    assert (len(failed), relay.row(download_id).attempts) == (1, 1)
    assert origin.count("/film.mkv") == 2
    assert len(begun_bytes) == 1


@pytest.mark.parametrize("why", ["several connections", "somebody else's aria2"])
def test_a_file_that_may_have_gaps_is_not_read_along(
    relay: Relay,
    origin: OriginServer,
    begun_bytes: list[int | None],
    monkeypatch: pytest.MonkeyPatch,
    why: str,
) -> None:
    if why == "several connections":
        relay.options["connections_per_download"] = 2
    else:
        monkeypatch.setattr(relay.aria2, "keeps_tasks", True)
    download_id = relay.add(origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW))
    relay.run()
    require_completed(relay, download_id)
    assert begun_bytes == [None]
