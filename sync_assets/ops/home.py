"""The home directory: made and initialised once, by one process, before anything else starts.

What the home holds belongs to others: the ledger, the lake and the logs make their own files.
"""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock, Timeout

import sync_assets
from sync_assets.errors import SyncError
from sync_assets.settings import Settings

INSTANCE_CONFIGURATION = Path(sync_assets.__file__).parents[1] / "dagster.yaml"

_MARKER = "initialised"
_STAGING_PREFIX = ".dagster-"
_PATIENCE_SECONDS = 300


def initialise_home(settings: Settings) -> None:
    """Make the home and Dagster's storage in it, or bring that storage up to date.

    Two processes that open a fresh SQLite home at the same moment corrupt it for good, so this
    works under a lock, and a home appears only when it is complete.

    Args:
        settings: Where the home is.

    Raises:
        SyncError: The home cannot be written, or Dagster refuses it.
    """
    home, dagster_home = settings.home, settings.dagster_home
    with _explained(home):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "logs").mkdir(mode=0o700, exist_ok=True)
        if _is_initialised(dagster_home):
            return
        with FileLock(home / ".initialise.lock", timeout=_PATIENCE_SECONDS):
            if _is_initialised(dagster_home):
                return
            for abandoned in home.glob(f"{_STAGING_PREFIX}*"):
                shutil.rmtree(abandoned)
            if (dagster_home / "history").exists():
                _initialise(dagster_home)
            else:
                _create(dagster_home)


@contextmanager
def hold_home(home: Path) -> Generator[None]:
    """Be the only `scripts/run` on a home for as long as the context lasts.

    The kernel releases the lock with the process, however it ends.

    Args:
        home: The home directory.

    Raises:
        SyncError: Another process holds it, or it cannot be written.
    """
    path = home / "run.lock"
    with _explained(home):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode().strip() or "unknown"
            message = f"{home} is in use: scripts/run is already running on it (pid {holder})."
            raise SyncError(
                message,
                remedy=f"Stop it first (kill {holder}), or set SYNC_HOME to another directory.",
            ) from None
        with _explained(home):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _is_initialised(dagster_home: Path) -> bool:
    try:
        content = (dagster_home / _MARKER).read_text(encoding="utf-8")
        target = (dagster_home / "dagster.yaml").readlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        if error.errno == errno.EINVAL:  # a file of the user's own in the place of the link
            return content == version("dagster")
        raise
    return content == version("dagster") and target == INSTANCE_CONFIGURATION


def _create(dagster_home: Path) -> None:
    staging = Path(tempfile.mkdtemp(prefix=_STAGING_PREFIX, dir=dagster_home.parent))
    try:
        if dagster_home.exists():
            shutil.copytree(dagster_home, staging, symlinks=True, dirs_exist_ok=True)
        _initialise(staging)
        if dagster_home.exists():
            shutil.rmtree(dagster_home)
        staging.rename(dagster_home)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _initialise(directory: Path) -> None:
    _link_configuration(directory / "dagster.yaml")
    environment = {**os.environ, "DAGSTER_HOME": str(directory), "DAGSTER_DISABLE_TELEMETRY": "1"}
    # In a process of its own: the caller stays small, and no storage stays open in it. In the
    # directory itself: an `.env` of the caller's working directory names another home.
    outcome = subprocess.run(
        [sys.executable, "-m", "dagster", "instance", "migrate"],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if outcome.returncode != 0:
        reason = next((line for line in reversed(outcome.stdout.splitlines()) if line.strip()), "")
        message = f"Dagster's storage in {directory.parent} could not be initialised: {reason}"
        raise SyncError(
            message,
            remedy="Check the free space and the owner of the home; if its storage is damaged, "
            "restore the last backup. Then start again.",
        )
    marker = directory / _MARKER
    partial = marker.with_suffix(".partial")
    partial.write_text(version("dagster"), encoding="utf-8")
    partial.replace(marker)


def _link_configuration(link: Path) -> None:
    if not INSTANCE_CONFIGURATION.exists():
        message = f"{INSTANCE_CONFIGURATION} is missing."
        raise SyncError(message, remedy="Run this from a complete checkout of the repository.")
    if link.is_symlink():
        link.unlink()
    if not link.exists():
        link.symlink_to(INSTANCE_CONFIGURATION)


@contextmanager
def _explained(home: Path) -> Generator[None]:
    try:
        yield
    except Timeout as error:
        message = f"Another process has been initialising {home} for {_PATIENCE_SECONDS} s."
        raise SyncError(message, remedy="Wait for it or end it, then start again.") from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        message = f"The home {home} cannot be used: {error.strerror or error}."
        remedy = (
            "Free some space on its disk, then start again."
            if full
            else "Make it a directory that this user may write, or set SYNC_HOME to another one."
        )
        raise SyncError(message, remedy=remedy) from error
