"""The chaos of the relay: real aria2, rclone and workers are killed, origin and cloud misbehave."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync_assets import relay
from sync_assets.ledger import Ledger
from sync_assets.settings import Settings
from sync_assets_tests.chaos.relay_invariants import broken_files, violations
from sync_assets_tests.upstreams.clouds import Clouds
from sync_assets_tests.upstreams.faulty_cloud import FaultyCloud
from sync_assets_tests.upstreams.origin import OriginServer

_LAST_RUN_SECONDS = 600
_LAST_RUNS = 3
TARGETS = {"webdav": "gdrive", "sftp": "onedrive"}
"""The targets, and the clouds behind them."""


@dataclass(frozen=True)
class Size:
    """How much is done.

    Attributes:
        downloads: Files; each goes to two targets.
        disturbances: Kills and faults.
    """

    downloads: int
    disturbances: int


@dataclass
class Outcome:
    """What has happened.

    Attributes:
        done: Kills and faults, by kind.
        violations: What is not right.
        seconds: How long it took.
    """

    done: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run(directory: Path, *, seed: int, size: Size) -> Outcome:
    """Relay files under disturbances, then without, and look whether everything is right.

    Args:
        directory: An empty folder for all files.
        seed: Decides what happens to whom, and roughly when.
        size: How much is done.
    """
    started = time.monotonic()
    outcome = Outcome()
    with (
        OriginServer() as origin,
        Clouds(directory / "clouds") as clouds,
        FaultyCloud(clouds.url("gdrive")) as cloud,
    ):
        clouds.configure(webdav_url=cloud.url)
        _Chaos(
            directory,
            chance=random.Random(seed),
            origin=origin,
            clouds=clouds,
            cloud=cloud,
            outcome=outcome,
        ).run(size)
    outcome.seconds = time.monotonic() - started
    return outcome


class _Chaos:
    def __init__(
        self,
        directory: Path,
        *,
        chance: random.Random,
        origin: OriginServer,
        clouds: Clouds,
        cloud: FaultyCloud,
        outcome: Outcome,
    ) -> None:
        self._directory = directory
        self._chance = chance
        self._origin = origin
        self._clouds = clouds
        self._cloud = cloud
        self._outcome = outcome
        self._contents: dict[str, bytes] = {}
        self._worker: subprocess.Popen[bytes] | None = None
        options = _settings(directory, clouds)
        self._settings_path = directory / "settings.json"
        self._settings_path.write_text(json.dumps(options))
        self._settings = Settings.model_validate(options)
        self._ledger = Ledger.open(self._settings.ledger_url)

    def run(self, size: Size) -> None:
        """Disturb, let it come to rest, and look."""
        for number in range(size.downloads):
            content = self._chance.randbytes(self._chance.randint(50_000, 400_000))
            link = self._origin.add(f"/{number}.mkv", content, bytes_per_second=600_000)
            self._contents[link] = content
            with self._ledger.write() as connection:
                # Two of each name, as senders do.
                relay.enqueue(connection, source="test", link=link, name=f"film {number // 2}.mkv")
        try:
            for _ in range(size.disturbances):
                self._require_worker()
                time.sleep(self._chance.uniform(0.2, 1.2))
                self._disturb()
                self._outcome.violations += broken_files(self._clouds, self._contents.values())
        finally:
            if self._worker is not None:
                self._worker.kill()
                self._worker.wait()
        self._cloud.refusals.clear()
        self._origin.faults.clear()
        self._come_to_rest()
        self._outcome.violations += violations(
            self._settings, self._ledger, self._clouds, self._contents.values(), self._log
        )
        self._ledger.close()

    @property
    def _log(self) -> Path:
        return self._directory / "worker.log"

    def _disturb(self) -> None:
        kinds: Mapping[str, Callable[[], None]] = {
            "worker killed": self._kill_worker,
            "aria2 killed": lambda: self._kill_child("aria2c"),
            "rclone killed": lambda: self._kill_child("rclone"),
            "origin failed": self._fail_origin,
            "cloud refused": self._refuse,
        }
        kind = self._chance.choice(sorted(kinds))
        kinds[kind]()
        self._outcome.done[kind] += 1

    def _kill_worker(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker.wait()

    def _kill_child(self, name: str) -> None:
        if self._worker is None:
            return
        for process_id in _children(self._worker.pid, name):
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)

    def _fail_origin(self) -> None:
        path = self._chance.choice(sorted(self._origin.resources))
        kind = self._chance.choice(["status", "cut", "reset", "page"])
        status = self._chance.choice([429, 500, 503])
        self._origin.fail(path, kind, status=status, after=20_000)

    def _refuse(self) -> None:
        method = self._chance.choice(["PUT", "MOVE", "PROPFIND"])
        self._cloud.refuse(method, self._chance.choice([429, 500, 503]), times=2)

    def _require_worker(self) -> None:
        if self._worker is None or self._worker.poll() is not None:
            self._worker = self._start_worker()

    def _start_worker(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "sync_assets_tests.chaos.relay_worker"]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [*command, self._settings_path], stdout=log, stderr=log, start_new_session=True
            )

    def _come_to_rest(self) -> None:
        for _ in range(_LAST_RUNS):
            worker = self._start_worker()
            try:
                code = worker.wait(_LAST_RUN_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
                code = -1
            if code == 0:
                return
        self._outcome.violations.append(f"it does not come to rest; exit code {code}")


def _settings(directory: Path, clouds: Clouds) -> dict[str, Any]:
    targets = {
        name: {
            "kind": "rclone",
            "remote": f"{cloud}:",
            "path": "{name}",
            "config_path": str(clouds.config_path),
            "options": {"low-level-retries": "1", "contimeout": "5s"},
        }
        for name, cloud in TARGETS.items()
    }
    return {
        "home": str(directory / "home"),
        "relay": {
            "enabled": True,
            "download_directory": str(directory / "downloads"),
            "disk_free_threshold_bytes": 0,
            "retry_backoff_initial_seconds": 0.1,
            "retry_backoff_multiplier": 1,
            "max_attempts": 50,
            "timeout_seconds": 5,
            "targets": targets,
        },
    }


def _children(parent: int, name: str) -> Sequence[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            head, _, tail = path.read_text().rpartition(")")
            if head.partition("(")[2] == name and int(tail.split()[1]) == parent:
                found.append(int(path.parent.name))
    return found
