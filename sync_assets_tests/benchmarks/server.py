"""How many webhook events per second the server stores durably, and how fast it answers.

The baseline is what the disk and SQLite give a program that commits every event by itself, on
the same disk in the same call.
"""

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sync_assets.ledger import Ledger
from sync_assets.ledger.tokens import Scope, create_token
from sync_assets_tests.server.process import REPOSITORY, running_server

CONNECTIONS = 16
SECONDS = 10.0
WARM_UP_SECONDS = 2.0
BASELINE_SECONDS = 3.0
REQUIRED_EVENTS_PER_SECOND = 500
REQUIRED_P99_MILLISECONDS = 100


@dataclass(frozen=True)
class ServerFigures:
    """What was measured; times in milliseconds."""

    connections: int
    seconds: float
    events: int
    refused: int
    events_per_second: float
    p50_milliseconds: float
    p99_milliseconds: float
    maximum_milliseconds: float
    stored_events: int
    baseline_events_per_second: float
    ratio_to_baseline: float
    meets_requirements: bool


def run(json_output: bool) -> int:
    """Measure, print, and return 1 where the requirements are not met."""
    with tempfile.TemporaryDirectory(prefix="sync-benchmark-") as directory:
        figures = measure(Path(directory))
    if json_output:
        sys.stdout.write(json.dumps({"benchmark": "server", **asdict(figures)}) + "\n")
    else:
        _print_table(figures)
    return 0 if figures.meets_requirements else 1


def measure(
    home: Path,
    *,
    seconds: float = SECONDS,
    warm_up_seconds: float = WARM_UP_SECONDS,
    baseline_seconds: float = BASELINE_SECONDS,
) -> ServerFigures:
    """Measure the server and the baseline in a directory."""
    ledger = Ledger.open(f"sqlite:///{home / 'ledger.db'}")
    with ledger.write() as connection:
        _, token = create_token(connection, "benchmark", Scope.INGEST)
    ledger.close()
    with running_server(home) as server:
        _load(server.port, token, warm_up_seconds, "warm-up")
        outcome = _load(server.port, token, seconds, "event")
    with sqlite3.connect(home / "ledger.db") as connection:
        query = "SELECT count(*) FROM inbox_events WHERE event_id LIKE 'event-%'"
        stored = connection.execute(query).fetchone()[0]
    connection.close()
    baseline = _baseline(home, baseline_seconds)
    latencies = sorted(1_000 * latency for latency in outcome["latencies"])
    percentiles = statistics.quantiles(latencies, n=100)
    rate = len(latencies) / outcome["seconds"]
    return ServerFigures(
        connections=CONNECTIONS,
        seconds=round(outcome["seconds"], 2),
        events=len(latencies),
        refused=outcome["refused"],
        events_per_second=round(rate, 1),
        p50_milliseconds=round(percentiles[49], 2),
        p99_milliseconds=round(percentiles[98], 2),
        maximum_milliseconds=round(latencies[-1], 2),
        stored_events=stored,
        baseline_events_per_second=round(baseline, 1),
        ratio_to_baseline=round(rate / baseline, 2),
        meets_requirements=rate >= REQUIRED_EVENTS_PER_SECOND
        and percentiles[98] < REQUIRED_P99_MILLISECONDS
        and stored >= len(latencies),
    )


def _load(port: int, token: str, seconds: float, prefix: str) -> dict:
    orders = {
        "port": port,
        "token": token,
        "seconds": seconds,
        "connections": CONNECTIONS,
        "prefix": prefix,
    }
    completed = subprocess.run(
        [sys.executable, "-m", "sync_assets_tests.benchmarks.load"],
        input=json.dumps(orders).encode(),
        stdout=subprocess.PIPE,
        check=True,
        cwd=REPOSITORY,
    )
    return json.loads(completed.stdout)


def _baseline(home: Path, seconds: float) -> float:
    """Events per second of bare SQLite with a commit for each."""
    connection = sqlite3.connect(home / "baseline.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, event_id TEXT, payload TEXT)")
    payload = json.dumps({"path": "/media/films/A Film (1999)/A Film.mkv", "size": 2**32})
    count = 0
    started_at = time.perf_counter()
    while (elapsed := time.perf_counter() - started_at) < seconds:
        connection.execute(
            "INSERT INTO events (event_id, payload) VALUES (?, ?)", (os.urandom(8).hex(), payload)
        )
        count += 1
    connection.close()
    return count / elapsed


def _print_table(figures: ServerFigures) -> None:
    table = Table(title=f"Durable webhook events, {figures.connections} connections")
    for column in ("", "measured", "required"):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row(
        "events per second", f"{figures.events_per_second:,.0f}", f"≥ {REQUIRED_EVENTS_PER_SECOND}"
    )
    table.add_row("p50", f"{figures.p50_milliseconds:.1f} ms", "")
    table.add_row("p99", f"{figures.p99_milliseconds:.1f} ms", f"< {REQUIRED_P99_MILLISECONDS} ms")
    table.add_row("slowest", f"{figures.maximum_milliseconds:.1f} ms", "")
    table.add_row("acknowledged / stored", f"{figures.events:,} / {figures.stored_events:,}", "")
    table.add_row("refused", f"{figures.refused:,}", "")
    table.add_row(
        "baseline: bare SQLite, a commit each", f"{figures.baseline_events_per_second:,.0f}/s", ""
    )
    table.add_row("ratio to the baseline", f"{figures.ratio_to_baseline:.2f}", "")
    Console().print(table)
