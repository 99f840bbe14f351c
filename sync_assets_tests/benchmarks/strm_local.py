"""The STRM job on a local folder, against a bare loop that walks and writes atomically.

Both run as processes of their own, in turn, on fresh folders of the same disk. What counts for
the job is its own work: the seconds that its stages log. Dagster's start, which is the
same for ten files, is printed beside it as wall seconds.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sync_assets_tests.benchmarks.strm_job import run_job
from sync_assets_tests.support.media import write_media

FILES = 10_000
FILES_PER_DIRECTORY = 20
ROUNDS = 5
REQUIRED_RATIO = 0.5

BARE = """
import os, sys, time
source, output = sys.argv[1:]
started = time.perf_counter()
count = 0
for directory, _, names in os.walk(source):
    relative = os.path.relpath(directory, source)
    target = os.path.join(output, relative)
    os.makedirs(target, exist_ok=True)
    for name in names:
        temporary = os.path.join(target, ".tmp")
        with open(temporary, "w") as file:
            file.write("http://nas.lan:8000/" + os.path.join(relative, name))
        os.replace(temporary, os.path.join(target, os.path.splitext(name)[0] + ".strm"))
        count += 1
print(count, time.perf_counter() - started)
"""


@dataclass(frozen=True)
class Measured:
    """Medians over the rounds.

    Attributes:
        files_per_s: Files per second of the job's own work.
        own_s: Seconds of its own work.
        wall_s: Seconds from the start of the process to its end.
        bare_s: Seconds of the bare loop.
        ratio_to_bare: How fast the job's own work is, as a share of the bare loop.
    """

    files_per_s: float
    own_s: float
    wall_s: float
    bare_s: float
    ratio_to_bare: float


def run(json_output: bool) -> int:
    """Measure, and print the figures."""
    first, unchanged = [], []
    base = Path(tempfile.mkdtemp(prefix="sync-benchmark-"))
    try:
        source = base / "media"
        write_media(
            source,
            [
                f"Show {number // FILES_PER_DIRECTORY:04}/第{number:05}話 Episode.mkv"
                for number in range(FILES)
            ],
            size=0,
        )
        for number in range(ROUNDS):
            bare = _bare(source, base / f"bare-{number}")
            first.append((*_job(source, base / f"home-{number}", "created"), bare))
            unchanged.append((*_job(source, base / f"home-{number}", "unchanged"), bare))
    finally:
        shutil.rmtree(base)
    measured = {"first_sync": _median(first), "no_change": _median(unchanged)}
    meets = measured["first_sync"].ratio_to_bare >= REQUIRED_RATIO
    _print(measured, meets_requirements=meets, json_output=json_output)
    return 0 if meets else 1


def _bare(source: Path, output: Path) -> float:
    command = [sys.executable, "-c", BARE, source, output]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    count, seconds = done.stdout.split()
    assert int(count) == FILES, done.stdout
    return float(seconds)


def _job(source: Path, home: Path, expected: str) -> tuple[float, float]:
    """Run the job; return the seconds of its own work and of its process."""
    lines = f'source = {{ path = "{source}" }}\nurl_template = "http://nas.lan:8000/{{path}}"'
    done = run_job(home, "strm_full", lines)
    assert done.numbers[expected] == FILES, done
    return done.own_s, done.wall_s


def _median(rounds: list[tuple[float, float, float]]) -> Measured:
    own, wall, bare = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(bare_s / own_s for own_s, _, bare_s in rounds)
    return Measured(
        round(FILES / own), round(own, 3), round(wall, 2), round(bare, 3), round(ratio, 2)
    )


def _print(measured: dict[str, Measured], *, meets_requirements: bool, json_output: bool) -> None:
    rows = {name: asdict(value) for name, value in measured.items()}
    if json_output:
        report = {"benchmark": "strm-local", "files": FILES, **rows}
        print(json.dumps(report | {"meets_requirements": meets_requirements}))
        return
    table = Table(
        title=f"STRM job on {FILES:,} local files, medians of {ROUNDS} rounds",
        caption=f"Required: the first sync at least {REQUIRED_RATIO} times as fast as the loop.",
    )
    for name in ("", "files/s", "own work s", "process s", "bare loop s", "ratio to bare"):
        table.add_column(name, justify="right" if name else "left")
    for name, values in rows.items():
        table.add_row(name.replace("_", " "), *(f"{value:,}" for value in values.values()))
    Console().print(table)
