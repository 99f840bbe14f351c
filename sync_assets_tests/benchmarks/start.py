"""What this project adds to Dagster's own start: every service and every run pays it."""

import json
import statistics
import subprocess
import sys
import tempfile

from rich.console import Console
from rich.table import Table

ROUNDS = 7
REQUIRED_SECONDS = 1.0
MEASURE = """
import time
started = time.perf_counter()
{statement}
print(time.perf_counter() - started)
"""
STATEMENTS = {
    "dagster": "import dagster",
    "definitions": "from sync_assets.definitions import defs; defs()",
}


def run(json_output: bool) -> int:
    """Measure, and print the figures; 0 where the requirement is met."""
    rounds = [
        {name: _seconds(statement) for name, statement in STATEMENTS.items()}
        for _ in range(ROUNDS + 1)
    ][1:]
    medians = {name: statistics.median(each[name] for each in rounds) for name in STATEMENTS}
    added = statistics.median(each["definitions"] - each["dagster"] for each in rounds)
    meets = added < REQUIRED_SECONDS
    if json_output:
        report = {
            "benchmark": "start",
            "dagster_seconds": round(medians["dagster"], 3),
            "definitions_seconds": round(medians["definitions"], 3),
            "added_seconds": round(added, 3),
            "meets_requirements": meets,
        }
        print(json.dumps(report))
    else:
        table = Table(title=f"Seconds to load, in a new process, medians of {ROUNDS} rounds")
        table.add_column("what")
        table.add_column("seconds", justify="right")
        table.add_row("import dagster (the baseline)", f"{medians['dagster']:.2f}")
        table.add_row("the whole graph, loaded", f"{medians['definitions']:.2f}")
        table.add_row(f"added (required: below {REQUIRED_SECONDS:g})", f"{added:.2f}")
        Console().print(table)
    return 0 if meets else 1


def _seconds(statement: str) -> float:
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE.format(statement=statement)],
            cwd=directory,
            check=True,
            capture_output=True,
            text=True,
        )
    return float(done.stdout)
