"""Kill the sender of Telegram posts at 200 random moments, and count the messages."""

import json
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sync_assets.ledger import Ledger
from sync_assets_tests.telegram.killing import kill_rounds

ROUNDS = 200
SEED = 1


def run(json_output: bool) -> int:
    """Measure, and print the figures; 0 where nothing was lost and nothing is there twice."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sync-benchmark-") as name:
        directory = Path(name)
        ledger = Ledger.open(f"sqlite:///{directory / 'ledger.db'}")
        outcome = kill_rounds(ledger, directory / "library", rounds=ROUNDS, seed=SEED)
        ledger.close()
    seconds = round(time.monotonic() - started, 1)
    meets = not outcome.problems
    if json_output:
        report = {
            "benchmark": "telegram",
            **asdict(outcome),
            "seconds": seconds,
            "meets_requirements": meets,
        }
        print(json.dumps(report))
    else:
        table = Table(title=f"Telegram posts after {outcome.kills} kills, {seconds} s")
        table.add_column("what")
        table.add_column("posts", justify="right")
        table.add_row("queued", str(outcome.posts))
        table.add_row("confirmed, each posted once", str(outcome.sent))
        table.add_row("unknown, because the answer was cut", str(outcome.unknown))
        table.add_row("of these posted", str(outcome.unknown_but_posted))
        table.add_row("lost or posted twice (required: 0)", str(len(outcome.problems)))
        Console().print(table)
    return 0 if meets else 1
