"""What a thousand live clients cost the server: its share of one core at two events per second."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.tokens import Scope, create_token
from sync_assets_tests.server.process import REPOSITORY, RunningServer, running_server

CLIENTS = 1_000
EVENTS_PER_SECOND = 2
SECONDS = 20.0
SETTLE_SECONDS = 2.0
REQUIRED_CPU_SHARE = 0.15


@dataclass(frozen=True)
class LiveFigures:
    """What was measured.

    Attributes:
        clients: WebSockets that were open.
        events: Events that were appended to the history.
        seconds: In which time.
        received: Events that came to clients, over all of them.
        least: Those that came to the client that got the fewest.
        lost: Clients whose connection broke.
        cpu_share: The server's processor time, divided by the time.
        idle_cpu_share: The same with the clients and without events.
        meets_requirements: Whether the share is small enough and every client got every event.
    """

    clients: int
    events: int
    seconds: float
    received: int
    least: int
    lost: int
    cpu_share: float
    idle_cpu_share: float
    meets_requirements: bool


def run(json_output: bool) -> int:
    """Measure, print, and return 1 where the requirements are not met."""
    with tempfile.TemporaryDirectory(prefix="sync-benchmark-") as directory:
        figures = measure(Path(directory))
    if json_output:
        sys.stdout.write(json.dumps({"benchmark": "live", **asdict(figures)}) + "\n")
    else:
        _print_table(figures)
    return 0 if figures.meets_requirements else 1


def measure(home: Path, *, clients: int = CLIENTS, seconds: float = SECONDS) -> LiveFigures:
    """Measure the server in a directory."""
    ledger = Ledger.open(f"sqlite:///{home / 'ledger.db'}")
    with ledger.write() as connection:
        _, token = create_token(connection, "benchmark", Scope.USER)
    with running_server(home) as server, _clients(server, token, clients) as process:
        time.sleep(SETTLE_SECONDS)
        idle = _cpu_share(server, seconds / 4, lambda: time.sleep(1 / EVENTS_PER_SECOND))
        events = 0

        def append() -> None:
            nonlocal events
            with ledger.write() as connection:
                append_events(connection, [Event("relay_download", "1", "downloading")])
            events += 1
            time.sleep(1 / EVENTS_PER_SECOND)

        started_at = time.perf_counter()
        busy = _cpu_share(server, seconds, append)
        elapsed = time.perf_counter() - started_at
        time.sleep(SETTLE_SECONDS)
        received, _ = process.communicate()
    ledger.close()
    counts = json.loads(received)
    return LiveFigures(
        clients=clients,
        events=events,
        seconds=round(elapsed, 2),
        received=counts["received"],
        least=counts["least"],
        lost=counts["lost"],
        cpu_share=round(busy, 4),
        idle_cpu_share=round(idle, 4),
        meets_requirements=busy < REQUIRED_CPU_SHARE
        and counts["least"] == events
        and counts["lost"] == 0,
    )


@contextmanager
def _clients(server: RunningServer, token: str, clients: int) -> Generator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sync_assets_tests.benchmarks.live_clients"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        orders = {"port": server.port, "token": token, "clients": clients}
        process.stdin.write(json.dumps(orders) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()


def _cpu_share(server: RunningServer, seconds: float, step: Callable[[], None]) -> float:
    """The server's processor time per second while a step is repeated."""
    process = psutil.Process(server.process.pid)
    before, started_at = sum(process.cpu_times()[:2]), time.perf_counter()
    while time.perf_counter() - started_at < seconds:
        step()
    return (sum(process.cpu_times()[:2]) - before) / (time.perf_counter() - started_at)


def _print_table(figures: LiveFigures) -> None:
    table = Table(title=f"{figures.clients:,} live clients, {EVENTS_PER_SECOND} events per second")
    for column in ("", "measured", "required"):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row("share of a core", f"{figures.cpu_share:.1%}", f"< {REQUIRED_CPU_SHARE:.0%}")
    table.add_row("without events", f"{figures.idle_cpu_share:.1%}", "")
    table.add_row("events appended", f"{figures.events:,}", "")
    table.add_row("got by each client, at least", f"{figures.least:,}", f"{figures.events:,}")
    table.add_row("broken connections", f"{figures.lost:,}", "0")
    Console().print(table)
