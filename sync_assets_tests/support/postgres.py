"""A private PostgreSQL server from the binaries that are installed, on a free port."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

SERVER_USER = "postgres"


def find_binaries() -> Path | None:
    """Return the directory of `initdb`, or None where PostgreSQL is not installed."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    # Debian keeps the server's programs out of the path.
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def running_server(binaries: Path) -> Generator[str]:
    """Run a server for the length of a block; yields the URL of its maintenance database."""
    # PostgreSQL refuses root, and needs a directory that its own user can enter.
    user = pwd.getpwnam(SERVER_USER) if os.geteuid() == 0 else None
    directory = Path(tempfile.mkdtemp(prefix="sync-postgres-"))
    try:
        if user is not None:
            os.chown(directory, user.pw_uid, user.pw_gid)
        data = directory / "data"
        account = user.pw_name if user is not None else None

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [binaries / program, *arguments],
                check=True,
                user=account,
                cwd=directory,
                stdout=subprocess.DEVNULL,
                timeout=60,
            )

        port = free_port()
        run("initdb", "-D", str(data), "-A", "trust", "-U", "sync", "-E", "UTF8", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {directory}"
        run("pg_ctl", "-D", str(data), "-l", str(directory / "log"), "-o", options, "-w", "start")
        try:
            yield f"postgresql+psycopg://sync@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(directory)


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
