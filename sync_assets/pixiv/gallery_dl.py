"""Run gallery-dl: a process group of its own, a directory per run, an end in any case.

What its exit means is decided in `outcome`; what it did is read by `events`.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from sync_assets.errors import SyncError
from sync_assets.pixiv.account import Account

GRACE_SECONDS = 5.0
"""How long gallery-dl has to end by itself after SIGINT."""

_POLL_SECONDS = 0.05
_STILL_THERE = 0
"""The signal that only asks whether there is anybody."""

_HANDED_ON = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_.*|TZ|TMPDIR|TEMP|TMP|XDG_.*"
    r"|(?:HTTPS?|FTP|ALL|NO|SOCKS)_PROXY|(?:REQUESTS|CURL)_CA_BUNDLE|SSL_CERT_(?:FILE|DIR)|SSLKEYLOGFILE"
    r"|LD_LIBRARY_PATH|DYLD_.*|PYTHON.*|NIX_.*"
)
"""Names of variables, as a pattern; proxies are written in lower case too."""

_LOG = "gallery-dl.log"
_CONFIG = "config.json"
_URLS = "urls.txt"


@dataclass(frozen=True)
class Finished:
    """A run of gallery-dl that has ended.

    Attributes:
        exit_code: What it ended with; negative for a signal.
        timed_out: Whether it was ended because it took too long.
        log: What it wrote to its log.
        directory: Where its events are.
    """

    exit_code: int
    timed_out: bool
    log: str
    directory: Path


def new_run_directory(account: Account) -> Path:
    """Make the directory of a run, closed to other users: its files hold tokens.

    Raises:
        SyncError: It cannot be made.
    """
    directory = account.runs_directory / f"{time.time_ns()}-{uuid.uuid4().hex[:8]}"
    try:
        account.state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise SyncError(
            f"{directory} cannot be made: {error.strerror}.",
            remedy="Free space in the home, and make it writable for this user.",
        ) from error
    return directory


def run_gallery_dl(
    account: Account,
    directory: Path,
    config: dict[str, Any],
    urls: Sequence[str],
    *,
    on_progress: Callable[[], None] = lambda: None,
) -> Finished:
    """Run gallery-dl until it ends, or until its time is over.

    Args:
        account: The account.
        directory: The directory of the run, from `new_run_directory`.
        config: The configuration.
        urls: What to process.
        on_progress: Called again and again while it runs.

    Returns:
        How it ended. The process group is gone in any case.

    Raises:
        SyncError: It cannot be started, or there is no time left.
    """
    seconds = min(account.pixiv.timeout_seconds, account.seconds_left())
    if seconds <= 0:
        raise SyncError(
            f"The round of {account.name} has used up pixiv.max_run_seconds.",
            remedy="The next round goes on from here. Raise max_run_seconds if that is too slow.",
        )
    _write_private(directory / _CONFIG, json.dumps(config))
    _write_private(directory / _URLS, "".join(f"{url}\n" for url in urls))
    log_path = directory / _LOG
    command = [
        str(account.gallery_dl),
        "--config-ignore",
        "--config",
        str(directory / _CONFIG),
        "--cache-file",
        str(account.cache_path),
        "--input-file",
        str(directory / _URLS),
        *account.pixiv.extra_gallery_args,
    ]
    with log_path.open("wb") as log:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=_environment(account),
                start_new_session=True,
            )
        except OSError as error:
            raise SyncError(
                f"gallery-dl ({account.gallery_dl}) cannot be started: {error.strerror}.",
                remedy="Correct pixiv.gallery_dl_path, or run scripts/setup.",
            ) from error
    timed_out = False
    try:
        timed_out = not _wait(process, time.monotonic() + seconds, on_progress)
    finally:
        end_group(process.pid, process)
        for name in (_CONFIG, _URLS):
            (directory / name).unlink(missing_ok=True)
    return Finished(
        exit_code=process.returncode,
        timed_out=timed_out,
        log=log_path.read_text(encoding="utf-8", errors="replace"),
        directory=directory,
    )


def end_orphans(account: Account) -> int:
    """End what is left of runs whose own process was killed; the caller holds the lease.

    Returns:
        How many were ended.
    """
    mark = str(account.runs_directory)
    ended = 0
    for process in psutil.process_iter(["pid", "cmdline"]):
        command = process.info["cmdline"] or []
        if any(argument.startswith(mark) for argument in command):
            end_group(process.info["pid"])
            ended += 1
    return ended


def end_group(leader: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """End a process group: SIGINT, so that gallery-dl closes its files; then SIGKILL.

    Args:
        leader: The id of its first process.
        process: The first process, where it is a child of this one and must be waited for.
    """
    deadline = time.monotonic() + GRACE_SECONDS
    sign: int = signal.SIGINT
    while True:
        if process is not None:
            process.poll()
        try:
            os.killpg(leader, sign)
        except (ProcessLookupError, PermissionError):
            break
        if sign == signal.SIGKILL and (process is None or process.poll() is not None):
            break
        sign = signal.SIGKILL if time.monotonic() > deadline else _STILL_THERE
        time.sleep(_POLL_SECONDS)
    if process is not None:
        process.wait()


def remove_run(directory: Path) -> None:
    """Remove the directory of a run that was dealt with."""
    shutil.rmtree(directory, ignore_errors=True)


def _wait(
    process: subprocess.Popen[bytes], deadline: float, on_progress: Callable[[], None]
) -> bool:
    while time.monotonic() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_SECONDS)
            return True
        on_progress()
    return False


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _environment(account: Account) -> dict[str, str]:
    """Hand on what a program needs of the environment: the rest is none of its business.

    It holds this project's secrets, and gallery-dl goes through all of it for each request.
    """
    inherited = {
        name: value for name, value in os.environ.items() if _HANDED_ON.fullmatch(name.upper())
    }
    return {**inherited, **account.environment}
