"""Run a STRM job as its users do, in a process of its own, and measure it.

What counts for the job is its own work: the seconds that its stages log. Dagster's start, which is
the same for ten files, is left out of them; memory and CPU are those of the whole process.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sync_assets.ops.home import initialise_home
from sync_assets.settings.loading import CONFIG_VARIABLE, load_settings
from sync_assets.settings.models import ENVIRONMENT_PREFIX

_MEBIBYTE_IN_KIB = 1024


@dataclass(frozen=True)
class JobRun:
    """What one run took.

    Attributes:
        own_s: Seconds of the job's own work.
        wall_s: Seconds from the start of the process to its end.
        cpu_s: CPU seconds of the process.
        peak_rss_mb: The most memory that it held, in MiB.
        numbers: What its stages counted.
    """

    own_s: float
    wall_s: float
    cpu_s: float
    peak_rss_mb: float
    numbers: dict[str, int]


def run_job(home: Path, job: str, lines: str) -> JobRun:
    """Run a job to its end.

    Args:
        home: A folder for its configuration and its state; used again, the job runs again.
        job: The Dagster job.
        lines: The lines of the table of the one STRM job.
    """
    home.mkdir(exist_ok=True)
    configuration = home / "sync.toml"
    configuration.write_text(
        f'home = "home"\n[strm.jobs.benchmark]\noutput = "library"\n{lines}\n', encoding="utf-8"
    )
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        del os.environ[name]  # they win over the file, and name the user's own home
    os.environ[CONFIG_VARIABLE] = str(configuration)
    settings = load_settings()
    initialise_home(settings)
    for path in (settings.home / "logs").glob("*.jsonl"):
        path.unlink()
    dagster = Path(sys.executable).parent / "dagster"
    started = time.perf_counter()
    process = subprocess.Popen(
        [dagster, "job", "execute", "-m", "sync_assets.definitions", "-j", job],
        cwd=home,
        env={**os.environ, "DAGSTER_HOME": str(settings.dagster_home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{job} failed; see {settings.home / 'logs'}"
    logged = [
        json.loads(line)
        for path in (settings.home / "logs").glob("*.jsonl")
        for line in path.open(encoding="utf-8")
    ]
    done = [line for line in logged if "seconds" in line and "strm/" in str(line.get("asset"))]
    numbers = {name: value for line in done for name, value in line.items() if type(value) is int}
    return JobRun(
        own_s=sum(line["seconds"] for line in done),
        wall_s=wall,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_rss_mb=usage.ru_maxrss / _MEBIBYTE_IN_KIB,
        numbers=numbers,
    )
