"""A private aria2c for as long as it is needed, on a free port of this machine.

It keeps no session file: the ledger knows every task, and gives aria2 again what it has lost. So
no address is written to a disk, and a task that makes aria2 crash is not brought back by it.
"""

import fcntl
import os
import secrets
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import certifi
from pydantic import SecretStr

from sync_assets.errors import SyncError
from sync_assets.ops.services import free_port
from sync_assets.relay.aria2.rpc import Aria2Client, Aria2UnreachableError

_HOST = "127.0.0.1"
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_PREDECESSOR_SECONDS = 30.0
_STARTS = 3

# Measured with 1.36 and 1.37. always-resume stays at its default: without it an origin that knows
# no ranges makes aria2 crash, and disk-cache=0 avoids the same.
_OPTIONS: Mapping[str, str] = {
    "enable-rpc": "true",
    "rpc-listen-all": "false",
    "rpc-max-request-size": "64M",
    "continue": "true",
    "auto-file-renaming": "false",
    "allow-overwrite": "true",
    "file-allocation": "none",
    "disk-cache": "0",
    "auto-save-interval": "1",
    "max-download-result": "10000",
    "follow-torrent": "false",
    "follow-metalink": "false",
    "seed-time": "0",
    "no-netrc": "true",
    "no-proxy": "127.0.0.1",
    "summary-interval": "0",
    "console-log-level": "error",
    "user-agent": "sync_assets",
}


class Aria2StartError(SyncError):
    """aria2c does not start."""


class Aria2Process:
    """Starts aria2c, starts it again when it is gone, and ends it.

    Args:
        program: The aria2c binary.
        directory: Where its lock and what it remembers of peers are kept; made if needed.
        options: Further options, which win over the usual ones.
    """

    keeps_tasks = False

    def __init__(self, program: Path, directory: Path, options: Mapping[str, str]) -> None:
        self._program = program
        self._directory = directory
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Aria2Client | None = None
        self._unready: Aria2Client | None = None

    @property
    def process_id(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None else None

    def prepare(self) -> None:
        """Begin to start it, where it does not run, without waiting until it answers.

        Raises:
            Aria2StartError: Another one is in its place.
        """
        if self._process is None:
            self._unready = self._launch()

    def client(self) -> Aria2Client:
        """Return a connection to a running aria2; start one where there is none.

        Raises:
            Aria2StartError: It does not start.
        """
        if self._client is not None and self._process is not None and self._process.poll() is None:
            return self._client
        unready, self._unready = self._unready, None
        for _ in range(_STARTS):
            if unready is None:
                self.stop()
                unready = self._launch()
            client, unready = self._when_ready(unready), None
            if client is not None:
                self._client = client
                return client
        raise Aria2StartError(
            f"{self._program} does not start, or ends at once.",
            remedy=f"Run it by hand: {self._program} --enable-rpc; it says why.",
        )

    def reconnect(self) -> Aria2Client:
        """Start another one: this one does not answer, whether or not it still runs.

        Raises:
            Aria2StartError: It does not start.
        """
        self.stop()
        return self.client()

    def stop(self) -> None:
        """End it; it saves how far its tasks are."""
        self._unready = None
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._process is None:
            return
        # While aria2 has the lock: afterwards it may be the one of another.
        self._configuration_path.unlink(missing_ok=True)
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def _configuration_path(self) -> Path:
        return self._directory / "aria2.conf"

    def _launch(self) -> Aria2Client:
        """Start it; return a connection that it does not answer yet."""
        self._directory.mkdir(parents=True, exist_ok=True)
        secret, port = SecretStr(secrets.token_urlsafe(32)), free_port(_HOST)
        with (self._directory / "aria2.lock").open("w") as lock:
            self._wait_for_predecessor(lock)
            try:
                _write_private(self._configuration_path, self._configuration(secret, port))
                self._process = subprocess.Popen(
                    [self._program, f"--conf-path={self._configuration_path}"],
                    cwd=self._directory,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    # It holds the lock for as long as it lives, also when this process is gone.
                    pass_fds=[lock.fileno()],
                )
            except OSError:
                self._configuration_path.unlink(missing_ok=True)
                raise
        return Aria2Client(_HOST, port, secret)

    def _configuration(self, secret: SecretStr, port: int) -> str:
        options = {
            **_OPTIONS,
            "rpc-listen-port": str(port),
            "rpc-secret": secret.get_secret_value(),
            # The binary of the wheel knows no certificates of its own.
            "ca-certificate": os.environ.get("SSL_CERT_FILE") or certifi.where(),
            "dht-file-path": str(self._directory / "dht.dat"),
            "dht-file-path6": str(self._directory / "dht6.dat"),
            "stop-with-process": str(os.getpid()),
            **self._options,
        }
        return "".join(f"{name}={value}\n" for name, value in options.items())

    def _wait_for_predecessor(self, lock: IO[str]) -> None:
        """Wait until the aria2 of a worker that was killed is gone: two would share files."""
        deadline = time.monotonic() + _PREDECESSOR_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Aria2StartError(
                        f"Another aria2c still uses {self._directory}.",
                        remedy="End that aria2c; it belongs to a worker that is gone.",
                    ) from None
                time.sleep(0.1)
            else:
                return

    def _when_ready(self, client: Aria2Client) -> Aria2Client | None:
        """Wait until aria2 answers; return None where it ends instead, or never does."""
        deadline = time.monotonic() + _START_SECONDS
        while self._process is not None and self._process.poll() is None:
            try:
                client.call("aria2.getVersion")
            except Aria2UnreachableError:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.02)
            else:
                # aria2 has read it, and it holds the secret.
                self._configuration_path.unlink(missing_ok=True)
                return client
        client.close()
        self.stop()
        return None


def _write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read; an argument would be seen by everybody."""
    # What a worker left that was killed here.
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
