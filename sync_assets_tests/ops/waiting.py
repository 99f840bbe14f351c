"""Wait for what other processes do; generous, because a loaded machine is no failure."""

import time
from collections.abc import Callable
from pathlib import Path

import psutil


def wait_until(condition: Callable[[], object], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still waiting: {what}"
        time.sleep(0.05)


def read_process_id(path: Path) -> int:
    wait_until(lambda: path.exists() and path.read_text().strip(), f"{path} is written")
    return int(path.read_text())


def is_running(process_id: int) -> bool:
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
