"""A fast web server for files of a folder: `rclone serve http`, with ranges."""

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from sync_assets.ops.services import free_port
from sync_assets_tests.ops.waiting import wait_until
from sync_assets_tests.upstreams.clouds import PROGRAM, listens


class FileOrigin:
    """The server, for the length of a `with` block.

    Args:
        folder: What it serves.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port("127.0.0.1")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        """Start it."""
        process = subprocess.Popen(
            [
                *(PROGRAM, "serve", "http", self._folder, "--addr", f"127.0.0.1:{self._port}"),
                *("--config", "/dev/null", "--read-only"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._process = process
        wait_until(lambda: process.poll() is not None or listens(self._port), "the origin")
        assert process.poll() is None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
