"""A private `rclone rcd` for as long as it is needed, at a socket that only this user can reach.

What it needs goes through its environment, which only this user can read; an argument would be
seen by everybody.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from sync_assets.errors import SyncError
from sync_assets.relay.rclone.rpc import RcloneClient, RcloneUnreachableError

_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_STARTS = 3
# macOS takes 103, Linux 107.
_LONGEST_SOCKET_PATH_BYTES = 103
# rclone does not notice the end of whoever has started it. The end of standard input is noticed by
# `cat`, however it comes; `exec` makes the process id of the shell that of rclone.
_ENDS_WITH_PARENT = (
    'exec 3<&0; { cat <&3 >/dev/null; kill $$; rm -rf "$2"; } & exec "$1" rcd </dev/null 3<&-'
)
# Our own secrets, how the user's own remote control is reached, and what gives files other names
# than those by which they are known here.
_NOT_INHERITED = ("SYNC_", "RCLONE_RC_", "RCLONE_NAME_TRANSFORM")
_OPTIONS: Mapping[str, str] = {
    "RCLONE_ASK_PASSWORD": "false",
    "RCLONE_RC_SERVER_READ_TIMEOUT": "24h",
    "RCLONE_RC_SERVER_WRITE_TIMEOUT": "24h",
    # A copy has a name of its own until it is verified; rclone is to add none.
    "RCLONE_INPLACE": "true",
    # What lies at that name is never ours: sizes and times that agree prove nothing.
    "RCLONE_IGNORE_TIMES": "true",
    # Of a local disk nothing need be read ahead; it would take 16 MiB for each file.
    "RCLONE_BUFFER_SIZE": "0",
    # Answers about single files are small: to pack and unpack them takes longer than to send them.
    "RCLONE_NO_GZIP_ENCODING": "true",
}


class RcloneStartError(SyncError):
    """rclone does not start."""


class RcloneProcess:
    """Starts rclone, starts it again when it is gone, and ends it; for several threads at once.

    Args:
        program: The rclone binary.
        options: Further variables of its environment, which win over the usual ones.
    """

    def __init__(self, program: Path, options: Mapping[str, str]) -> None:
        self._program = program
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: TemporaryDirectory[str] | None = None
        self._client: RcloneClient | None = None
        self._lock = threading.Lock()

    @property
    def process_id(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None else None

    def client(self) -> RcloneClient:
        """Return a connection to a running rclone; start one where there is none.

        Raises:
            RcloneStartError: It does not start.
        """
        with self._lock:
            is_running = self._process is not None and self._process.poll() is None
            if self._client is not None and is_running:
                return self._client
            self._end()
            for _ in range(_STARTS):
                self._client = self._start()
                if self._client is not None:
                    return self._client
        raise RcloneStartError(
            f"{self._program} does not start, or ends at once.",
            remedy=f"Run it by hand: {self._program} rcd --rc-no-auth; it says why.",
        )

    def stop(self) -> None:
        """End it."""
        with self._lock:
            self._end()

    def _start(self) -> RcloneClient | None:
        # Of mode 0700, so that nobody else gets as far as the socket.
        self._folder = TemporaryDirectory(prefix="sync-rclone-", ignore_cleanup_errors=True)
        path = Path(self._folder.name) / "socket"
        if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH_BYTES:
            folder = self._folder.name
            self._end()
            raise RcloneStartError(
                f"The path of rclone's socket is too long for this system: {folder}.",
                remedy="Set TMPDIR to a folder with a shorter path, such as /tmp.",
            )
        own = {"RCLONE_RC_ADDR": f"unix://{path}", "RCLONE_RC_NO_AUTH": "true"}
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)
        }
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _ENDS_WITH_PARENT, "sh", self._program, self._folder.name],
            env={**inherited, **_OPTIONS, **self._options, **own},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        client = RcloneClient(path)
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                client.call("rc/noopauth")
            except RcloneUnreachableError:
                time.sleep(0.02)
            else:
                return client
        self._end()
        return None

    def _end(self) -> None:
        self._client = None
        folder, self._folder = self._folder, None
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        if folder is not None:
            folder.cleanup()


def _end(process: subprocess.Popen[bytes]) -> None:
    # The group, so that `cat` cannot end whoever has rclone's number by then.
    _signal_group(process.pid, signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _signal_group(process_group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process_group, number)
