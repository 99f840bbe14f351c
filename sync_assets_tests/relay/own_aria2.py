"""An aria2 that a user keeps running, with a session."""

import subprocess
from pathlib import Path

from sync_assets.ops.services import free_port
from sync_assets.ops.tools import TOOLS
from sync_assets.relay.aria2.rpc import Aria2Client, Aria2RefusedError, Aria2UnreachableError
from sync_assets.relay.aria2.source import RunningAria2
from sync_assets.settings.relay import RelaySettings
from sync_assets_tests.ops.waiting import wait_until

SECRET = "the secret"


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
