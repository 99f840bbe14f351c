"""A check as a program that is killed at a named point: `python -m … HOME POINT`."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from sync_assets import relay
from sync_assets.ledger import Ledger
from sync_assets.watchlist import checking, queueing
from sync_assets.watchlist.worker import Worker
from sync_assets_tests.watchlist.watching import watching_settings

POINTS = ("before storing", "between found and queued", "within queueing", "before the end")


def _die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    home, point = Path(sys.argv[1]), sys.argv[2]
    settings = watching_settings(home)
    real = relay.enqueue

    def enqueue_and_die(*arguments: Any, **named: Any) -> None:
        real(*arguments, **named)
        _die()

    owner, name, deadly = {
        "before storing": (checking, "take_in", _die),
        "between found and queued": (checking.Checker, "_prepare", _die),
        "within queueing": (queueing.relay, "enqueue", enqueue_and_die),
        "before the end": (checking.checks_log, "end", _die),
    }[point]
    setattr(owner, name, deadly)
    ledger = Ledger.open(settings.ledger_url)
    Worker(settings, ledger, run_id="a run").run()


if __name__ == "__main__":
    main()
