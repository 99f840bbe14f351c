"""How much memory a STRM job takes as its library grows, above Dagster's own.

Up to a million entries; the whole takes about five minutes.
"""

import json
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sync_assets_tests.benchmarks.strm import (
    MEDIA,
    OTHERS,
    REQUIRED_MEMORY_MB,
    serving,
    source_lines,
)
from sync_assets_tests.benchmarks.strm_job import run_job

ENTRIES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
REQUIRED_AT = 100_000


def run(json_output: bool) -> int:
    """Measure, and print the figures."""
    above: dict[int, float] = {}
    with tempfile.TemporaryDirectory(prefix="sync-benchmark-") as directory:
        base = Path(directory)
        with serving(directories=1) as url:
            idle = run_job(base / "idle", "strm_full", source_lines(url)).peak_rss_mb
        for entries in ENTRIES:
            with serving(directories=entries // (MEDIA + OTHERS)) as url:
                done = run_job(base / str(entries), "strm_full", source_lines(url))
            above[entries] = round(done.peak_rss_mb - idle, 1)
    meets = above[REQUIRED_AT] <= REQUIRED_MEMORY_MB
    if json_output:
        report = {"benchmark": "strm-memory", "dagster_mb": round(idle, 1), "above_mb": above}
        print(json.dumps(report | {"meets_requirements": meets}))
        return 0 if meets else 1
    table = Table(
        title=f"Memory of a first sync above Dagster's own {idle:.0f} MB",
        caption=f"Required: at most {REQUIRED_MEMORY_MB} MB for {REQUIRED_AT:,} entries.",
    )
    table.add_column("entries", justify="right")
    table.add_column("MB", justify="right")
    for entries, value in above.items():
        table.add_row(f"{entries:,}", f"{value}")
    Console().print(table)
    return 0 if meets else 1
