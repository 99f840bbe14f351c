"""Run the real server as a process of its own, on a free port and a temporary home."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 60


@dataclass
class RunningServer:
    """A server process.

    Attributes:
        process: The process.
        port: Where it listens, on 127.0.0.1.
        log: What it printed so far.
    """

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it as a power loss would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def running_server(
    home: Path, environment: Mapping[str, str] | None = None, *, port: int | None = None
) -> Generator[RunningServer]:
    """Start the server, wait until it answers, and stop it at the end."""
    port = port or free_port()
    log = home / f"server-{port}.log"
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith("SYNC_")
    } | {"SYNC_HOME": str(home), "SYNC_SERVER__PORT": str(port), **(environment or {})}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sync_assets.server"],
            cwd=REPOSITORY,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = RunningServer(process, port, log)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait_until_it_answers(server: RunningServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        try:
            with urlopen(f"{server.url}/docs", timeout=5):
                return
        except OSError:
            time.sleep(0.02)
    message = f"the server did not start:\n{server.log.read_text(errors='replace')}"
    raise RuntimeError(message)
