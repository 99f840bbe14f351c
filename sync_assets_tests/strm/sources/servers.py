"""Real WebDAV servers on folders of a test."""

import importlib.util
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sync_assets.ops.services import free_port
from sync_assets_tests.ops.waiting import wait_until

USER, PASSWORD = "alice", "wonder land:ü"


@contextmanager
def rclone(folder: Path) -> Generator[str]:
    """Serve a folder with `rclone serve webdav`; return its address."""
    port = free_port("127.0.0.1")
    program = Path(sysconfig.get_path("scripts")) / "rclone"
    command = [
        *(str(program), "serve", "webdav", str(folder), "--addr", f"127.0.0.1:{port}"),
        *("--user", USER, "--pass", PASSWORD, "--baseurl", "/dav", "--dir-cache-time", "50ms"),
        *("--config", "/dev/null"),
    ]
    with _running(command, port):
        yield f"http://127.0.0.1:{port}/dav"


@contextmanager
def wsgidav(folder: Path) -> Generator[str]:
    """Serve a folder with wsgidav, without an account; return its address."""
    if importlib.util.find_spec("wsgidav") is None:
        pytest.skip("wsgidav is not installed")
    port = free_port("127.0.0.1")
    command = [
        *(sys.executable, "-m", "wsgidav.server.server_cli", "--host", "127.0.0.1"),
        *("--port", str(port), "--root", str(folder), "--auth", "anonymous", "--quiet"),
        "--no-config",
    ]
    with _running(command, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(command: Sequence[str], port: int) -> Generator[None]:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: process.poll() is not None or _listens(port), command[0])
        assert process.poll() is None, command
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            # wsgidav waits for whoever still holds a connection to it.
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
