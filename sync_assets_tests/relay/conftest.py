"""A relay whose aria2 is real, and whose origins are stand-ins."""

import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import relay_downloads
from sync_assets.ledger.types import AnyRow
from sync_assets.ops.tools import TOOLS
from sync_assets.relay import downloads, media
from sync_assets.relay.aria2.process import Aria2Process
from sync_assets.relay.aria2.source import aria2_options
from sync_assets.relay.engine.downloading import Downloader
from sync_assets.relay.engine.examining import TelegramGateway
from sync_assets.relay.engine.reach import address_guards
from sync_assets.relay.media import NewMedium
from sync_assets.settings.relay import RelaySettings
from sync_assets.settings.watchlist import WatchlistSettings
from sync_assets_tests.relay.media import link_medium
from sync_assets_tests.relay.own_aria2 import OwnAria2
from sync_assets_tests.upstreams.origin import OriginServer


@dataclass
class Relay:
    """A ledger, an aria2 and the settings of a relay."""

    ledger: Ledger
    directory: Path
    aria2: Aria2Process
    options: dict[str, Any] = field(default_factory=dict)
    watchlist: WatchlistSettings = field(default_factory=WatchlistSettings)
    gateway: TelegramGateway | None = None
    free_bytes: Callable[[Path], int] | None = None

    def settings(self) -> RelaySettings:
        usual: dict[str, Any] = {
            "enabled": True,
            "download_directory": self.directory / "downloads",
            "disk_free_threshold_bytes": 0,
            "retry_backoff_initial_seconds": 0.05,
            "retry_backoff_multiplier": 1,
            "timeout_seconds": 5,
        }
        return RelaySettings(**{**usual, **self.options})

    def add(self, link: str, **values: Any) -> int:
        """Want a link; return its download."""
        return self.add_medium(link_medium(link, **values))

    def add_medium(self, new: NewMedium) -> int:
        with self.ledger.write() as connection:
            medium = media.add_medium(connection, new)
            return downloads.create(connection, medium)

    @contextmanager
    def worker(self) -> Generator[Downloader]:
        with Downloader(
            self.settings(),
            self.ledger,
            self.aria2,
            gateway=self.gateway,
            guards=address_guards(self.settings(), self.watchlist),
            run_id="a run",
            free_bytes=self.free_bytes,
        ) as worker:
            yield worker

    def run(self, seconds: float = 30) -> None:
        """Let a new worker drive everything to rest."""
        with self.worker() as worker:
            worker.run(seconds=seconds)

    def run_until(self, download_id: int, reached: Callable[[AnyRow], bool]) -> AnyRow:
        """Let a new worker step until a download is as wanted, and then end."""
        with self.worker() as worker:
            for _ in range(3_000):
                worker.step()
                if reached(row := self.row(download_id)):
                    return row
        raise AssertionError(f"download {download_id} is {self.row(download_id)}")

    def row(self, download_id: int) -> AnyRow:
        with self.ledger.read() as connection:
            return downloads.get(connection, download_id)

    def wish(self, wish: Callable[..., None], download_id: int) -> None:
        """Let a user pause, resume, retry or cancel."""
        with self.ledger.write() as connection:
            wish(connection, download_id)

    def pass_time(self) -> None:
        """Let every pause be over."""
        with self.ledger.write() as connection:
            connection.execute(update(relay_downloads).values(not_before=None))

    def kill_aria2(self) -> None:
        """End aria2 as a power failure would."""
        process = self.aria2._process
        assert process is not None
        process.kill()
        process.wait()


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as running:
        yield running


@pytest.fixture
def relay(sqlite_ledger: Ledger, tmp_path: Path) -> Iterator[Relay]:
    program = TOOLS["aria2c"].installed
    aria2 = Aria2Process(program, tmp_path / "aria2", aria2_options(RelaySettings()))
    yield Relay(sqlite_ledger, tmp_path, aria2)
    aria2.stop()
    shutil.rmtree(tmp_path / "aria2", ignore_errors=True)


@pytest.fixture
def own_aria2(tmp_path: Path) -> Iterator[OwnAria2]:
    aria2 = OwnAria2(tmp_path)
    aria2.start()
    yield aria2
    aria2.kill()
