"""An aria2 that runs already and has a session brings tasks back; what nobody wants is removed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_assets.ledger import Ledger
from sync_assets.ops.services import free_port
from sync_assets.ops.tools import TOOLS
from sync_assets.relay import downloads, media, uploads
from sync_assets.relay.aria2.rpc import Aria2Client, Aria2RefusedError, Aria2UnreachableError
from sync_assets.relay.aria2.source import RunningAria2
from sync_assets.relay.engine.downloading import Downloader
from sync_assets.settings.relay import RelaySettings
from sync_assets_tests.ops.waiting import wait_until
from sync_assets_tests.relay.media import link_medium
from sync_assets_tests.upstreams.origin import OriginServer

CONTENT = b"film" * 25_000
SLOW = 100_000
SECRET = "the secret"
FOREIGN = "0123456789abcdef"


class OwnAria2:
    """An aria2 as a user keeps it running; its session is saved when it is told to."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port("127.0.0.1")
        self._session = directory / "aria2.session"
        self._session.touch()
        self._process: subprocess.Popen[bytes] | None = None
        self.settings = RelaySettings.model_validate(
            {
                "enabled": True,
                "download_directory": directory / "downloads",
                "disk_free_threshold_bytes": 0,
                "aria2": {"url": f"http://127.0.0.1:{self.port}/jsonrpc", "secret": SECRET},
            }
        )

    def client(self) -> Aria2Client:
        return RunningAria2(self.settings).client()

    def start(self) -> None:
        options = {
            "enable-rpc": "true",
            "rpc-listen-port": str(self.port),
            "rpc-secret": SECRET,
            "input-file": str(self._session),
            "save-session": str(self._session),
            "file-allocation": "none",
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        self._process = subprocess.Popen(
            [TOOLS["aria2c"].installed, "--no-conf", "--quiet", *arguments]
        )
        wait_until(self._answers, "aria2 answers")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def has(self, gid: str) -> bool:
        try:
            status = self.client().call("aria2.tellStatus", gid)["status"]
        except Aria2RefusedError:
            return False
        return status in ("active", "waiting", "paused")

    def _answers(self) -> bool:
        try:
            self.client().call("aria2.getVersion")
        except Aria2UnreachableError:
            return False
        return True


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as running:
        yield running


@pytest.fixture
def own_aria2(tmp_path: Path) -> Iterator[OwnAria2]:
    aria2 = OwnAria2(tmp_path)
    aria2.start()
    yield aria2
    aria2.kill()


def worker(own_aria2: OwnAria2, ledger: Ledger) -> Downloader:
    source = RunningAria2(own_aria2.settings)
    settings = own_aria2.settings
    return Downloader(settings, ledger, source, gateway=None, guards={}, run_id="a run")


@pytest.mark.parametrize("has_other_work", [True, False])
def test_a_task_that_comes_back_after_its_file_was_removed_is_removed_with_what_it_fetched(
    own_aria2: OwnAria2, sqlite_ledger: Ledger, origin: OriginServer, has_other_work: bool
) -> None:
    root = own_aria2.settings.download_directory
    with sqlite_ledger.write() as connection:
        link = origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW)
        download_id = downloads.create(connection, media.add_medium(connection, link_medium(link)))
        gid = downloads.get(connection, download_id).gid
    with worker(own_aria2, sqlite_ledger) as downloader:
        while not own_aria2.has(gid):
            downloader.step()
        foreign = {"gid": FOREIGN, "dir": str(root / "foreign"), "pause": "true"}
        own_aria2.client().call("aria2.addUri", [link], foreign)
        own_aria2.client().call("aria2.saveSession")
        downloader.run(seconds=60)
    with sqlite_ledger.write() as connection:
        assert downloads.get(connection, download_id).state == "completed"
        uploads.mark_cleaned(connection, [download_id], run_id=None)
        if has_other_work:
            other = link_medium(origin.add("/other.mkv", CONTENT))
            downloads.create(connection, media.add_medium(connection, other))
    Path(root / gid / "film.mkv").unlink()
    (root / gid).rmdir()
    own_aria2.kill()
    own_aria2.start()
    wait_until((root / gid / "film.mkv").exists, "the task has come back")
    with worker(own_aria2, sqlite_ledger) as downloader:
        downloader.run(seconds=60)
    assert not own_aria2.has(gid)
    assert not (root / gid).exists()
    assert own_aria2.has(FOREIGN)
