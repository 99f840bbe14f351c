"""The programs of a chaos: started, killed and started again; and what aria2c and rclone leave."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from sync_assets.ops.tools import TOOLS
from sync_assets.relay.aria2.rpc import (
    Aria2Client,
    Aria2RefusedError,
    Aria2UnreachableError,
    Call,
)

_MOST_TASKS = 1_000
_ASKING_SECONDS = 5.0

# The program that the relay starts, which also writes what a user's own aria2 would: a log and a
# session. Its configuration, which holds the secret, is noted so that the secret can be looked for.
_ARIA2C = """#!/bin/sh
for argument; do
    case $argument in
        --conf-path=*)
            cp "${{argument#--conf-path=}}" "{notes}/aria2-$$.conf"
            set -- "$@" --log="{left}/aria2.log" --log-level=info \\
                --save-session="{left}/aria2-$$.session" --save-session-interval=1
            ;;
    esac
done
exec "{program}" "$@"
"""
_RCLONE = """#!/bin/sh
if [ -n "$RCLONE_RC_PASS" ]; then
    printf %s "$RCLONE_RC_PASS" >"{notes}/rclone-$$.password"
    export RCLONE_LOG_FILE="{left}/rclone.log" RCLONE_LOG_LEVEL=INFO
fi
exec "{program}" "$@"
"""


class Program:
    """A process that is killed, and started again.

    Args:
        command: Its command line.
        log: Where it prints to.
        directory: Its working directory.
        environment: Its variables, beside those of this process that configure nothing.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        directory: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._command = command
        self._log = log
        self._directory = directory
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("SYNC_")
        }
        self._environment = {**inherited, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process_id(self) -> int | None:
        """Its process id while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process is not None else None

    def require(self) -> None:
        """Start it unless it runs."""
        if self.process_id is not None:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it as a power loss would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def run(self, seconds: float) -> int | None:
        """Let it come to its end; kill it where that takes too long.

        Returns:
            Its exit code; None where it was killed.
        """
        self.require()
        assert self._process is not None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None


class Tools:
    """aria2c and rclone as the relay is to start them, and what is known of those it started.

    Args:
        directory: An empty folder, in which secrets are noted.
        left: Where logs and sessions are left.
    """

    def __init__(self, directory: Path, left: Path) -> None:
        self._notes = directory / "notes"
        for path in (self._notes, left):
            path.mkdir(parents=True)
        self.paths = {"aria2c": directory / "aria2c", "rclone": directory / "rclone"}
        for name, text in (("aria2c", _ARIA2C), ("rclone", _RCLONE)):
            program = TOOLS["aria2c" if name == "aria2c" else "rclone"].installed
            self.paths[name].write_text(text.format(notes=self._notes, left=left, program=program))
            self.paths[name].chmod(0o755)

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Return the secrets that the relay has given to what it started, each with its name."""
        for conf in self._configurations():
            if "rpc-secret" in conf:
                yield "aria2's RPC secret", conf["rpc-secret"]
        for path in self._notes.glob("rclone-*.password"):
            yield "rclone's password", path.read_text()

    def aria2(self) -> Aria2Client | None:
        """Return a connection to the aria2 that the relay has started last; None before that."""
        confs = [conf for conf in self._configurations() if "rpc-listen-port" in conf]
        if not confs:
            return None
        return aria2_client(int(confs[-1]["rpc-listen-port"]), confs[-1]["rpc-secret"])

    def _configurations(self) -> Sequence[Mapping[str, str]]:
        paths = sorted(self._notes.glob("aria2-*.conf"), key=lambda path: path.stat().st_mtime_ns)
        return [
            dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
            for path in paths
        ]


def aria2_client(port: int, secret: str) -> Aria2Client:
    """Connect to an aria2 on this machine.

    Args:
        port: Where its interface is.
        secret: Its RPC secret.
    """
    return Aria2Client("127.0.0.1", port, SecretStr(secret), timeout_seconds=_ASKING_SECONDS)


@dataclass(frozen=True)
class Aria2State:
    """What an aria2 tells; nothing where it is gone.

    Attributes:
        gids: Its tasks, those that have ended included.
        at_work: Its tasks that have not ended.
        told: All its answers.
    """

    gids: frozenset[str] = frozenset()
    at_work: frozenset[str] = frozenset()
    told: bytes = b""


def aria2_state(client: Aria2Client) -> Aria2State:
    """Ask an aria2 for everything that it tells.

    Args:
        client: The connection, which is closed.
    """
    try:
        lists = client.multicall(
            [
                Call("aria2.tellActive"),
                Call("aria2.tellWaiting", (0, _MOST_TASKS)),
                Call("aria2.tellStopped", (0, _MOST_TASKS)),
                Call("aria2.getGlobalOption"),
                Call("aria2.getSessionInfo"),
                Call("aria2.getVersion"),
            ]
        )
        at_work = frozenset(task["gid"] for tasks in lists[:2] for task in tasks)
        gids = at_work | {task["gid"] for task in lists[2]}
        methods = ("aria2.getOption", "aria2.getUris", "aria2.getServers", "aria2.getFiles")
        # A task that has ended meanwhile has no servers: its refusal is an answer as well.
        details = client.multicall([Call(method, (gid,)) for gid in gids for method in methods])
    except (Aria2UnreachableError, Aria2RefusedError):
        return Aria2State()
    finally:
        client.close()
    told = [str(each) if isinstance(each, Aria2RefusedError) else each for each in details]
    return Aria2State(gids, at_work, json.dumps([lists, told], ensure_ascii=False).encode())


def kill_children(parent: int, name: str) -> None:
    """Kill the children of a process that have a name.

    Args:
        parent: The process.
        name: The program's name.
    """
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            head, _, tail = path.read_text().rpartition(")")
            if head.partition("(")[2] == name and int(tail.split()[1]) == parent:
                os.kill(int(path.parent.name), signal.SIGKILL)
