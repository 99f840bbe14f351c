"""A relay whose downloads are done, whose rclone is real, and whose clouds are on this machine."""

import hashlib
import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import update

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import relay_uploads
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import downloads, media, uploads
from sync_assets.relay.bot_api import BotApi
from sync_assets.relay.rclone.source import RcloneProcesses, open_rclone
from sync_assets.relay.resting import drive_to_rest
from sync_assets.relay.uploading.opening import open_targets
from sync_assets.relay.uploading.targets import Target
from sync_assets.relay.uploading.uploader import Uploader
from sync_assets.relay.verified_files import VerifiedFiles
from sync_assets.settings import Settings
from sync_assets_tests.relay.media import link_medium
from sync_assets_tests.upstreams.clouds import Clouds

DAY = f"{utc_now():%Y/%m}"


@dataclass
class Uploads:
    """A ledger, clouds and the settings of a relay."""

    ledger: Ledger
    directory: Path
    clouds: Clouds
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    telegram: dict[str, Any] = field(default_factory=dict)
    wrap: Callable[[Target], Target] = lambda target: target
    processes: RcloneProcesses | None = None
    verified_files: VerifiedFiles = field(default_factory=VerifiedFiles)

    def target(self, name: str, remote: str, **options: Any) -> None:
        """Configure a target of the kind rclone."""
        self.targets[name] = {
            "kind": "rclone",
            "remote": remote,
            "config_path": self.clouds.config_path,
            # What cannot be reached is not asked ten times.
            "options": {"low-level-retries": "1", "contimeout": "5s"},
            **options,
        }

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.directory / 'home' / 'ledger.db'}"

    def settings(self) -> Settings:
        usual: dict[str, Any] = {
            "enabled": True,
            "download_directory": self.directory / "downloads",
            "retry_backoff_initial_seconds": 0.05,
            "retry_backoff_multiplier": 1,
            "max_attempts": 4,
            "targets": self.targets,
        }
        return Settings.model_validate(
            {
                "home": self.directory / "home",
                "relay": {**usual, **self.options},
                "telegram": self.telegram,
            }
        )

    def add(self, name: str, content: bytes, **values: Any) -> int:
        """Want a link, and have it downloaded; return the download."""
        download_id = self.want(name, **values)
        self.complete(download_id, content)
        return download_id

    def add_folder(self, name: str, files: Mapping[str, bytes]) -> int:
        """Want a torrent of several files, and have it downloaded; return the download."""
        download_id = self.want(name)
        folder = self.folder(download_id) / name
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        size = sum(len(content) for content in files.values())
        self._complete(download_id, folder, size, None)
        return download_id

    def want(self, name: str, **values: Any) -> int:
        with self.ledger.write() as connection:
            new = replace(link_medium(f"http://origin/{name}"), key=secrets.token_hex(8), **values)
            return downloads.create(connection, media.add_medium(connection, new))

    def complete(self, download_id: int, content: bytes) -> None:
        name = self.download(download_id).media_name
        path = self.folder(download_id) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        checksum = f"sha-256={hashlib.sha256(content).hexdigest()}"
        self._complete(download_id, path, len(content), checksum)

    def _complete(self, download_id: int, path: Path, size: int, checksum: str | None) -> None:
        with self.ledger.write() as connection:
            row = downloads.get(connection, download_id)
            uploads.plan(connection, [row], self.settings().relay.targets, run_id=None)
            downloads.complete(
                connection, [downloads.Finished(row, str(path), size, checksum)], run_id=None
            )

    def folder(self, download_id: int) -> Path:
        """Return the folder of a download."""
        return self.directory / "downloads" / self.download(download_id).gid

    @contextmanager
    def worker(self) -> Generator[Uploader]:
        settings = self.settings()
        with open_rclone(settings) as self.processes:
            bot = BotApi(settings.telegram) if settings.telegram.bot_token else None
            found = open_targets(
                settings, self.ledger, self.processes, bot, verified_files=self.verified_files
            )
            targets = {name: self.wrap(target) for name, target in found.items()}
            with Uploader(settings.relay, self.ledger, targets, run_id="a run") as uploader:
                yield uploader

    def run(self, seconds: float = 180) -> None:
        """Let a new worker drive everything to rest."""
        with self.worker() as uploader:
            drive_to_rest([uploader], seconds=seconds)

    def kill_at(self, point: str) -> None:
        """Let a worker drive everything until it is killed at a point of `killed_uploader`."""
        path = self.directory / "killed.json"
        settings = self.settings().model_dump(mode="json", include={"home", "relay"})
        path.write_text(json.dumps({"ledger": self.ledger_url, "settings": settings}))
        program = "sync_assets_tests.relay.killed_uploader"
        command = [sys.executable, "-m", program, str(path), point]
        killed = subprocess.run(command, check=False, timeout=100)
        assert killed.returncode == -signal.SIGKILL

    def of(self, download_id: int) -> dict[str, AnyRow]:
        """Return the uploads of a download by target."""
        with self.ledger.read() as connection:
            return {row.target: row for row in uploads.uploads_of(connection, [download_id])}

    def one(self, download_id: int) -> AnyRow:
        """Return the only upload of a download."""
        (row,) = self.of(download_id).values()
        return row

    def download(self, download_id: int) -> AnyRow:
        with self.ledger.read() as connection:
            return downloads.get(connection, download_id)

    def wish(self, wish: Callable[..., None], identity: int) -> None:
        """Let a user want something."""
        with self.ledger.write() as connection:
            wish(connection, identity)

    def pass_time(self) -> None:
        """Let every pause be over."""
        with self.ledger.write() as connection:
            connection.execute(update(relay_uploads).values(not_before=None))

    def completed_earlier(self, moment: datetime) -> None:
        """Let what is completed be so since then."""
        columns = relay_uploads.c
        with self.ledger.write() as connection:
            connection.execute(
                update(relay_uploads)
                .where(columns.completed_at.is_not(None))
                .values(completed_at=moment)
            )
