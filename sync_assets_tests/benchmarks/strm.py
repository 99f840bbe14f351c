"""The STRM job against the stand-in of OpenList, and how long a webhook takes to become a file.

The baseline is a bare loop of `strm_bare`, against the same server, on the same disk, in turn with
the job: it writes for the first sync, compares where nothing has changed, and only lists where
what exists is skipped.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sync_assets_tests.benchmarks import webhook
from sync_assets_tests.benchmarks.strm_job import JobRun, run_job
from sync_assets_tests.upstreams.openlist import OpenListServer

DIRECTORIES = 5_000
MEDIA = 16
OTHERS = 4
FILES = DIRECTORIES * MEDIA
CONNECTIONS = 10
LATENCY_SECONDS = 0.05
ROUNDS = 3

REQUIRED_FIRST_SYNC = 8_000
REQUIRED_FIRST_SYNC_RATIO = 0.6
REQUIRED_NO_CHANGE = 12_000
REQUIRED_SHARE_OF_BOUND = 0.9
REQUIRED_MEMORY_MB = 80


@dataclass(frozen=True)
class Measured:
    """Medians over the rounds.

    Attributes:
        files_per_s: `.strm` files per second of the job's own work.
        ratio_to_bare: How fast the job's own work is, as a share of the bare loop.
        cpu_s: CPU seconds above those of a run of Dagster that has nothing to do.
        peak_rss_mb: The most memory in MiB, above the same.
        required: What is required of it, in words.
        meets_requirements: Whether it is met.
    """

    files_per_s: int
    ratio_to_bare: float
    cpu_s: float
    peak_rss_mb: float
    required: str
    meets_requirements: bool


@dataclass(frozen=True)
class _Case:
    """What the job does, what the bare loop does, and what the job must count for every file."""

    job: str
    bare_mode: str
    counted: str


FIRST_SYNC = _Case("strm_full", "write", "created")
NO_CHANGE = _Case("strm_full", "compare", "unchanged")
SKIP_EXISTING = _Case("strm_incremental", "list", "unchanged")


@dataclass(frozen=True)
class _Round:
    run: JobRun
    bare_s: float


def run(json_output: bool) -> int:
    """Measure, and print the figures."""
    with tempfile.TemporaryDirectory(prefix="sync-benchmark-") as directory:
        base = Path(directory)
        measured = _measure(base)
        (base / "webhook").mkdir()
        followed = webhook.measure(base / "webhook")
    meets = followed.meets_requirements and all(
        each.meets_requirements for each in measured.values()
    )
    if json_output:
        rows = {name: asdict(value) for name, value in measured.items()}
        rows["webhook_to_file"] = asdict(followed)
        report = {"benchmark": "strm", "files": FILES, "directories": DIRECTORIES, **rows}
        print(json.dumps(report | {"meets_requirements": meets}))
    else:
        _print(measured, followed)
    return 0 if meets else 1


def _measure(base: Path) -> dict[str, Measured]:
    with serving(directories=1) as url:
        idle = run_job(base / "idle", "strm_full", source_lines(url))
    first, unchanged, skipped = [], [], []
    with serving() as url:
        for number in range(ROUNDS):
            # Fresh folders, removed at the end: files made right after many were deleted cost
            # ext4 ten times as much.
            first.append(_round(url, base, FIRST_SYNC, number))
            unchanged.append(_round(url, base, NO_CHANGE, number))
            skipped.append(_round(url, base, SKIP_EXISTING, number))
    with serving(latency=LATENCY_SECONDS) as url:
        slow = _round(url, base, FIRST_SYNC, ROUNDS)
    bound = DIRECTORIES * LATENCY_SECONDS / CONNECTIONS
    share_of_bound = bound / slow.run.own_s
    memory = max(each.run.peak_rss_mb for each in first) - idle.peak_rss_mb
    first_sync, no_change = _rate(first), _rate(unchanged)
    return {
        "first_sync": _summary(
            first,
            idle,
            f"≥ {REQUIRED_FIRST_SYNC:,} files/s, ≥ {REQUIRED_FIRST_SYNC_RATIO} of bare, "
            f"≤ {REQUIRED_MEMORY_MB} MB",
            meets=first_sync >= REQUIRED_FIRST_SYNC
            and _ratio(first) >= REQUIRED_FIRST_SYNC_RATIO
            and memory <= REQUIRED_MEMORY_MB,
        ),
        "no_change": _summary(
            unchanged,
            idle,
            f"≥ {REQUIRED_NO_CHANGE:,} files/s",
            meets=no_change >= REQUIRED_NO_CHANGE,
        ),
        "skip_existing": _summary(
            skipped, idle, "faster than no change", meets=_rate(skipped) > no_change
        ),
        "latency_50ms": _summary(
            [slow],
            idle,
            f"≥ {REQUIRED_SHARE_OF_BOUND:.0%} of the bound (here {share_of_bound:.0%})",
            meets=share_of_bound >= REQUIRED_SHARE_OF_BOUND,
        ),
    }


@contextmanager
def serving(
    *, directories: int = DIRECTORIES, media: int = MEDIA, latency: float = 0.0
) -> Generator[str]:
    """Serve a tree from a process of its own; yields its address."""
    command = [sys.executable, "-m", "sync_assets_tests.upstreams.openlist"]
    command += ["--directories", str(directories), "--media", str(media)]
    command += ["--others", str(OTHERS), "--latency", str(latency)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.communicate()


def source_lines(url: str) -> str:
    """Return the lines of a job that reads from the stand-in."""
    return (
        f'source = {{ type = "openlist", base_url = "{url}", path = "/", '
        f'token = "{OpenListServer.static_token}", connections = {CONNECTIONS} }}'
    )


def _round(url: str, base: Path, case: _Case, number: int) -> _Round:
    command = [sys.executable, "-m", "sync_assets_tests.benchmarks.strm_bare", url]
    command += [str(base / f"bare-{number}")]
    command += ["--mode", case.bare_mode, "--connections", str(CONNECTIONS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    count, seconds = done.stdout.split()
    assert int(count) == FILES, done.stdout
    measured = run_job(base / f"home-{number}", case.job, source_lines(url))
    assert measured.numbers[case.counted] == FILES, measured
    return _Round(measured, float(seconds))


def _rate(rounds: list[_Round]) -> float:
    return FILES / statistics.median(each.run.own_s for each in rounds)


def _ratio(rounds: list[_Round]) -> float:
    return statistics.median(each.bare_s / each.run.own_s for each in rounds)


def _summary(rounds: list[_Round], idle: JobRun, required: str, *, meets: bool) -> Measured:
    return Measured(
        files_per_s=round(_rate(rounds)),
        ratio_to_bare=round(_ratio(rounds), 2),
        cpu_s=round(statistics.median(each.run.cpu_s for each in rounds) - idle.cpu_s, 2),
        peak_rss_mb=round(max(each.run.peak_rss_mb for each in rounds) - idle.peak_rss_mb, 1),
        required=required,
        meets_requirements=meets,
    )


def _print(measured: dict[str, Measured], followed: webhook.WebhookToFile) -> None:
    console = Console()
    table = Table(
        title=f"STRM job against OpenList: {FILES:,} files in {DIRECTORIES:,} folders, "
        f"{CONNECTIONS} connections, medians of {ROUNDS} rounds",
        caption="CPU and memory above those of Dagster with nothing to do.",
    )
    for name in ("", "files/s", "ratio to bare", "CPU s", "memory MB", "required", "met"):
        table.add_column(name, justify="left" if name in ("", "required") else "right")
    for name, value in measured.items():
        table.add_row(
            name.replace("_", " "),
            f"{value.files_per_s:,}",
            f"{value.ratio_to_bare}",
            f"{value.cpu_s}",
            f"{value.peak_rss_mb}",
            value.required,
            "yes" if value.meets_requirements else "no",
        )
    console.print(table)
    table = Table(title=f"From webhook to file, everything running, {followed.events} events")
    for name in ("", "measured", "required"):
        table.add_column(name, justify="right" if name else "left")
    table.add_row("median", f"{followed.median_s} s", f"≤ {webhook.REQUIRED_SECONDS:.0f} s")
    table.add_row("slowest", f"{followed.slowest_s} s", "")
    table.add_row(
        "the engine's own", f"{followed.engine_ms} ms", f"≤ {webhook.REQUIRED_ENGINE_MS:.0f} ms"
    )
    console.print(table)
