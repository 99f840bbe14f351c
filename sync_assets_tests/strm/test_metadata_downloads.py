"""Metadata files from a server: what arrives is the file, whole, or the old one stays.

The numbers in the names are those of the traps in the research on STRM tools.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import Lease, hold_lease
from sync_assets.settings.strm import StrmJobSettings
from sync_assets.settings.strm_sources import OpenListSourceSettings, WebDavSourceSettings
from sync_assets.strm.job_run import JobRun, StageResult
from sync_assets.strm.metadata import mounts
from sync_assets.strm.metadata.stage import write_metadata
from sync_assets.strm.output.directory import TEMPORARY_NAME
from sync_assets.strm.pipeline import list_and_write, list_source
from sync_assets.strm.sources import FileUnavailableError, ReadableSource, open_source
from sync_assets.strm.sources import pace as pace_module
from sync_assets.strm.sources.local import LocalSource
from sync_assets_tests.ops.waiting import wait_until
from sync_assets_tests.strm.sources import servers
from sync_assets_tests.support.media import tree_of, write_media
from sync_assets_tests.upstreams.openlist import UNKNOWN_TIME, OpenListServer
from sync_assets_tests.upstreams.sockets import Received, Reply, SocketServer

OLD, NEW = b"\xff\xd8 old poster" * 20, b"\xff\xd8 new poster" * 30
POSTER = "Film/poster.jpg"
FAULTS = ["html", "json", "500", "401", "short", "cut", "no_length_cut", "hang", "reset"]


@dataclass
class Library:
    """A job on a stand-in of OpenList, in which everything is below /drive/Films."""

    server: OpenListServer
    base: Path
    ledger: Ledger
    lease: Lease
    metadata: dict[str, Any] = field(
        default_factory=lambda: {"mode": "download", "policy": "update"}
    )
    source: dict[str, Any] = field(default_factory=dict)

    @property
    def output(self) -> Path:
        return self.base / "library"

    @property
    def job(self) -> JobRun:
        source: dict[str, Any] = {
            "type": "openlist",
            "base_url": self.server.url,
            "path": "/Films",
            "username": "alice",
            "password": SecretStr("wonderland"),
            "timeout_seconds": 0.3,
            "retries": 1,
        }
        settings = StrmJobSettings(
            source=OpenListSourceSettings(**(source | self.source)),
            output=self.output,
            metadata=self.metadata,
        )
        return JobRun("films", settings, self.lease, self.ledger, Lake(self.base / "lake"))

    def put(self, path: str, content: bytes, modified: str = "2026-01-01T00:00:00Z") -> None:
        self.server.add(f"/drive/Films/{path}", len(content), modified=modified)
        self.server.content[f"/drive/Films/{path}"] = content

    def sync(self, **options: Any) -> StageResult:
        list_and_write(self.job)
        return write_metadata(self.job, **options)

    def poster(self) -> bytes:
        return (self.output / POSTER).read_bytes()


@pytest.fixture
def library(
    tmp_path: Path, sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Library]:
    monkeypatch.setattr(pace_module, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(pace_module, "PAUSE_SECONDS", 0.01)
    with (
        OpenListServer(base_path="/drive") as server,
        hold_lease(sqlite_ledger, "strm", purpose="test") as lease,
    ):
        made = Library(server, tmp_path, sqlite_ledger, lease)
        made.put("Film/Film.mkv", b"film")
        made.put(POSTER, OLD)
        yield made
        assert not list(tmp_path.glob(f"library/**/{TEMPORARY_NAME}*"))


def copied(result: StageResult) -> tuple[int, int, int]:
    numbers = result.numbers
    return numbers["metadata_copied"], numbers["metadata_updated"], len(result.failures)


def test_files_are_downloaded_with_their_time_and_only_once(library: Library) -> None:
    assert copied(library.sync()) == (1, 0, 0)
    assert library.poster() == OLD
    assert (library.output / POSTER).stat().st_mtime == 1_767_225_600
    library.server.statistics.downloads.clear()
    result = library.sync()
    assert (copied(result), result.numbers["requests"]) == ((0, 0, 0), 0)
    assert library.server.statistics.downloads == []


@pytest.mark.parametrize("fault", FAULTS)
def test_trap_33_whatever_comes_instead_of_a_file_the_old_one_stays(
    library: Library, fault: str
) -> None:
    library.sync()
    before = (library.output / POSTER).stat()
    library.put(POSTER, NEW, "2026-02-02T00:00:00Z")
    library.put("Film/Film.nfo", b"<movie/>")
    library.server.fail(f"file_{fault}", "*/poster.jpg")
    result = library.sync()
    assert copied(result) == (1, 0, 1)
    (failure,) = result.failures
    assert failure.item == POSTER
    assert failure.error
    assert failure.remedy
    after = (library.output / POSTER).stat()
    assert (library.poster(), after.st_mtime_ns, after.st_ino) == (
        OLD,
        before.st_mtime_ns,
        before.st_ino,
    )
    library.server.faults.clear()
    assert copied(library.sync()) == (0, 1, 0)
    assert library.poster() == NEW


@pytest.mark.parametrize("fault", FAULTS)
def test_trap_33_a_new_file_that_does_not_come_is_not_there(library: Library, fault: str) -> None:
    library.put("Other/poster.jpg", NEW)
    library.server.fail(f"file_{fault}", "*Other/poster.jpg")
    assert copied(library.sync()) == (1, 0, 1)
    assert not (library.output / "Other").exists()


@pytest.mark.parametrize("fault", ["500", "cut", "short", "401", "429", "reset"])
def test_a_fault_that_passes_is_no_failure(library: Library, fault: str) -> None:
    library.server.fail(f"file_{fault}", times=1)
    assert copied(library.sync()) == (1, 0, 0)
    assert library.poster() == OLD


def test_trap_33_without_a_content_length_the_listed_size_decides(library: Library) -> None:
    library.server.fail("file_no_length")
    assert copied(library.sync()) == (1, 0, 0)
    assert library.poster() == OLD


def test_trap_33_a_file_that_vanished_is_a_failure_of_its_own(library: Library) -> None:
    library.put("Film/Film.srt", b"text")
    list_source(library.job)
    library.server.remove(f"/drive/Films/{POSTER}")
    result = write_metadata(library.job)
    assert copied(result) == (1, 0, 1)
    assert "object not found" in result.failures[0].error


@pytest.mark.parametrize("begins", [b"<!DOCTYPE html>", b'{"code":401,"message":"x"}'])
def test_trap_33_a_page_is_known_by_what_it_says_as_well(library: Library, begins: bytes) -> None:
    library.put(POSTER, begins.ljust(400), "2026-02-02T00:00:00Z")
    assert copied(library.sync()) == (0, 0, 1)


def test_trap_32_an_unknown_time_is_left_alone_and_downloaded_once(library: Library) -> None:
    library.put(POSTER, OLD, UNKNOWN_TIME)
    library.sync()
    assert (library.output / POSTER).stat().st_mtime > 1_767_225_600
    assert copied(library.sync()) == (0, 0, 0)
    library.put(POSTER, NEW, UNKNOWN_TIME)
    assert copied(library.sync()) == (0, 1, 0)


def test_a_signature_that_has_ended_is_renewed(library: Library) -> None:
    list_source(library.job)
    library.server.reset_key()
    assert copied(write_metadata(library.job)) == (1, 0, 0)


def test_links_of_either_kind_are_below_the_accounts_base_path(library: Library) -> None:
    library.source["link"] = "proxy"
    library.put("剧 #1?/50%+.nfo", b"<tvshow/>")
    assert copied(library.sync()) == (2, 0, 0)
    assert all(each.target.startswith("/p/drive") for each in library.server.statistics.downloads)


def test_the_accounts_rate_limit_covers_downloads(library: Library) -> None:
    library.source |= {"requests_per_second": 100}
    library.sync()
    with library.ledger.read() as connection:
        names = connection.exec_driver_sql("SELECT name FROM rate_budgets").scalars().all()
    assert [name for name in names if name.startswith("openlist:alice:")]


def test_a_server_that_bans_ends_the_downloads_and_not_the_run(library: Library) -> None:
    for number in range(30):
        library.put(f"Film/{number}.jpg", NEW)
    library.server.fail("file_429")
    result = library.sync()
    assert [failure.item for failure in result.failures] == ["/"]
    assert result.numbers["metadata_postponed"] == 31
    assert len(library.server.statistics.downloads) < 31
    library.server.faults.clear()
    assert copied(library.sync()) == (31, 0, 0)


class Drive(SocketServer):
    """Where OpenList sends its clients."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Received] = []
        self.reply = Reply(OLD, content_type="image/jpeg")

    def answer(self, request: Received) -> Reply:
        self.received.append(request)
        return self.reply


def test_redirections_are_followed(library: Library) -> None:
    with Drive() as drive:
        library.server.elsewhere = drive.url
        library.server.fail("file_redirect", times=1)
        assert copied(library.sync()) == (1, 0, 0)
        assert drive.received[0].target == "/raw?path=/drive/Films/Film/poster.jpg"
        assert library.poster() == OLD


def test_a_drive_behind_the_server_that_is_down_fails_only_its_file(library: Library) -> None:
    with Drive() as drive:
        library.server.elsewhere = drive.url
    library.put("Film/Film.nfo", b"<movie/>")
    library.server.fail("file_redirect", "*/poster.jpg")
    assert copied(library.sync()) == (1, 0, 1)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://nas/poster.jpg"])
def test_a_redirection_to_something_else_than_http_is_refused(
    library: Library, location: str
) -> None:
    library.server.elsewhere = location
    library.server.fail("file_redirect")
    assert copied(library.sync()) == (0, 0, 1)


class RedirectingDav(Drive):
    """A WebDAV server that sends clients to a drive."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.reply = Reply(b"", 302, headers={"Location": target})


def test_credentials_are_never_sent_to_another_server(sqlite_ledger: Ledger) -> None:
    with Drive() as drive, RedirectingDav(f"{drive.url}/raw") as dav:
        settings = WebDavSourceSettings(
            type="webdav", base_url=dav.url, username="alice", password=SecretStr("wonderland")
        )
        with open_source(settings, sqlite_ledger) as source:
            assert isinstance(source, ReadableSource)
            with source.open_file("poster.jpg") as stream:
                assert stream.read(10_000) == OLD
        assert "authorization" in dav.received[0].headers
        assert "authorization" not in drive.received[0].headers
        dav.reply = Reply(b"", 302, headers={"Location": "/again"})
        with open_source(settings, sqlite_ledger) as source:
            assert isinstance(source, ReadableSource)
            with pytest.raises(FileUnavailableError, match="HTTP 302"):
                with source.open_file("poster.jpg"):
                    pass
        assert "authorization" in dav.received[-1].headers


def test_real_webdav_servers_give_metadata_with_sizes_and_times(
    tmp_path: Path, sqlite_ledger: Ledger
) -> None:
    media = tmp_path / "media"
    write_media(media, ["剧 #1?/film.mkv"])
    (media / "剧 #1?/film.nfo").write_bytes(b"<!-- a comment first --><movie/>")
    (media / "剧 #1?/poster.jpg").write_bytes(OLD)
    with (
        servers.rclone(media) as address,
        hold_lease(sqlite_ledger, "strm", purpose="test") as lease,
    ):
        settings = StrmJobSettings.model_validate(
            {
                "source": {
                    "type": "webdav",
                    "base_url": address,
                    "username": servers.USER,
                    "password": servers.PASSWORD,
                },
                "output": tmp_path / "library",
                "url_template": "http://nas/{path}",
                "metadata": {"mode": "download", "policy": "update"},
            }
        )
        job = JobRun("films", settings, lease, sqlite_ledger, Lake(tmp_path / "lake"))
        list_source(job)
        assert copied(write_metadata(job)) == (2, 0, 0)
        assert copied(write_metadata(job)) == (0, 0, 0)
    for path, content in tree_of(tmp_path / "library").items():
        assert content == (media / path).read_bytes()


# Copying from a mount, and falling back.


@pytest.fixture
def mounted(library: Library, tmp_path: Path) -> Library:
    """The library, whose source is mounted as well."""
    (tmp_path / "mount" / "Film").mkdir(parents=True)
    (tmp_path / "mount" / POSTER).write_bytes(OLD)
    library.metadata |= {"mode": "copy", "path": tmp_path / "mount", "timeout_seconds": 0.2}
    return library


def test_a_mount_is_read_first_and_the_server_not_at_all(mounted: Library) -> None:
    assert copied(mounted.sync()) == (1, 0, 0)
    assert mounted.server.statistics.downloads == []


@pytest.mark.parametrize("content", [None, b"", OLD[:-1], OLD + b"x", b"<html>" + OLD[6:]])
def test_trap_33_what_the_mount_lacks_or_has_wrong_comes_from_the_server(
    mounted: Library, tmp_path: Path, content: bytes | None
) -> None:
    if content is None:
        (tmp_path / "mount" / POSTER).unlink()
    else:
        (tmp_path / "mount" / POSTER).write_bytes(content)
    assert copied(mounted.sync()) == (1, 0, 0)
    assert mounted.poster() == OLD
    assert len(mounted.server.statistics.downloads) == 1


def test_trap_33_when_mount_and_server_fail_both_are_named(
    mounted: Library, tmp_path: Path
) -> None:
    (tmp_path / "mount" / POSTER).unlink()
    mounted.server.fail("file_500")
    result = mounted.sync()
    assert copied(result) == (0, 0, 1)
    assert "upstream timeout" in result.failures[0].error
    assert "No such file" in result.failures[0].error


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Let every read of a mount hang until the end of the test; return what was asked for."""
    asked: list[str] = []
    freed = threading.Event()

    class Hanging(LocalSource):
        def open_file(self, path: str, *, sign: str | None = None) -> Any:
            asked.append(path)
            freed.wait()
            return super().open_file(path, sign=sign)

    monkeypatch.setattr(mounts, "LocalSource", Hanging)
    yield asked
    freed.set()
    for thread in threading.enumerate():
        if thread.name.endswith("(_produce)"):
            thread.join(10)
            assert not thread.is_alive()


def test_a_mount_that_hangs_does_not_hang_the_run(mounted: Library, hanging: list[str]) -> None:
    for number in range(30):
        mounted.put(f"Film/{number}.jpg", NEW)
    assert copied(mounted.sync()) == (31, 0, 0)
    assert mounted.poster() == OLD
    # Each hanging read costs a thread: soon nobody asks any more.
    assert len(hanging) <= mounts.MAXIMUM_ABANDONED + mounted.job.settings.metadata.connections


# A run that is killed.

PROGRAM = """
import sys
from pathlib import Path
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.settings.strm import StrmJobSettings
from sync_assets.strm.job_run import JobRun
from sync_assets.strm.metadata.stage import write_metadata
from sync_assets.strm.pipeline import list_source
base, url = Path(sys.argv[1]), sys.argv[2]
settings = StrmJobSettings.model_validate({
    "source": {"type": "openlist", "base_url": url, "path": "/Films",
               "username": "alice", "password": "wonderland"},
    "output": base / "library", "metadata": {"mode": "download", "policy": "update"},
})
ledger = Ledger.open(f"sqlite:///{base}/killed/ledger.db")
with hold_lease(ledger, "strm", purpose="test", wait_seconds=60) as lease:
    job = JobRun("films", settings, lease, ledger, Lake(base / "killed"))
    list_source(job)
    write_metadata(job)
"""


def test_trap_9_a_run_that_is_killed_leaves_no_torn_file(library: Library, tmp_path: Path) -> None:
    for number in range(20):
        library.put(f"Film/{number}.jpg", NEW)
    library.server.fail("file_hang", "*/1?.jpg", times=3)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), library.server.url]
    process = subprocess.Popen(command)
    downloads = library.server.statistics.downloads
    temporary = f"library/Film/{TEMPORARY_NAME}-*"
    wait_until(lambda: len(downloads) > 5 and any(tmp_path.glob(temporary)), "a download")
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    whole = {OLD, NEW, b""}
    for path, content in tree_of(library.output).items():
        assert content in whole or Path(path).name.startswith(TEMPORARY_NAME)
    library.server.faults.clear()
    subprocess.run(command, check=True, timeout=90)
    assert {len(content) for content in tree_of(library.output).values()} == {len(OLD), len(NEW)}
    assert len(tree_of(library.output)) == 21
