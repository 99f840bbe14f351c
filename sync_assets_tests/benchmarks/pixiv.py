"""The Pixiv job against bare gallery-dl, and what a round costs that finds nothing new.

Both talk to the same stand-in, which is a process of its own, and write to the same disk. What
counts for the job is its own work: the seconds that its stages log, without Dagster's start.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from sync_assets.ops.home import initialise_home
from sync_assets.settings.loading import CONFIG_VARIABLE, load_settings
from sync_assets.settings.models import ENVIRONMENT_PREFIX
from sync_assets_tests.upstreams.pixiv.server import REFRESH_TOKEN, USER_ID

IMAGES = 1_000
BOOKMARKS = 3_000
ROUNDS = 3
MAXIMUM_RATIO = 1.25
MAXIMUM_SECONDS = 1.5
MAXIMUM_REQUESTS = 2
PAGE_SIZE = 30
PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        bare_s: Seconds of bare gallery-dl for the images, median.
        own_s: Seconds of the job's own work for the same, median.
        ratio_to_bare: The job's share of that, median of the rounds.
        unchanged_s: Seconds of own work of a round that finds nothing new.
        unchanged_requests: API requests of such a round.
        full_requests: API requests of a full pass that finds nothing new.
    """

    bare_s: float
    own_s: float
    ratio_to_bare: float
    unchanged_s: float
    unchanged_requests: int
    full_requests: int

    @property
    def meets_requirements(self) -> bool:
        return (
            self.ratio_to_bare <= MAXIMUM_RATIO
            and self.unchanged_s <= MAXIMUM_SECONDS
            and self.unchanged_requests <= MAXIMUM_REQUESTS
            and self.full_requests <= 1 + BOOKMARKS // PAGE_SIZE
        )


def run(json_output: bool) -> int:
    """Measure, and print the figures."""
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        del os.environ[name]  # they win over the file, and name the user's own home
    base = Path(tempfile.mkdtemp(prefix="sync-benchmark-"))
    try:
        pairs = []
        for number in range(ROUNDS):
            with running_stand_in(base, IMAGES) as (_, environment):
                bare = _bare(base / f"bare-{number}", environment)
                own = _job(base / f"home-{number}", environment)
                pairs.append((bare, own))
        with running_stand_in(base, BOOKMARKS) as (url, environment):
            home = base / "home-unchanged"
            _job(home, environment)
            before = _requests(url)
            seconds = [_job(home, environment) for _ in range(ROUNDS)]
            unchanged = (_requests(url) - before) // ROUNDS
            before = _requests(url)
            _job(home, environment, "full_pass_hours = 0.0000001\n")
            full = _requests(url) - before
    finally:
        shutil.rmtree(base)
    measured = Measured(
        bare_s=round(statistics.median(bare for bare, _ in pairs), 2),
        own_s=round(statistics.median(own for _, own in pairs), 2),
        ratio_to_bare=round(statistics.median(own / bare for bare, own in pairs), 2),
        unchanged_s=round(min(seconds), 2),
        unchanged_requests=unchanged,
        full_requests=full,
    )
    _print(measured, json_output=json_output)
    return 0 if measured.meets_requirements else 1


@contextmanager
def running_stand_in(
    directory: Path, works: int, *arguments: str
) -> Generator[tuple[str, dict[str, str]]]:
    """Run the stand-in as a process; give its address and the variables that lead to it."""
    command = [sys.executable, "-m", "sync_assets_tests.upstreams.pixiv", str(directory)]
    command += ["--works", str(works), *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        try:
            yield said["url"], {**os.environ, **said["environment"]}
        finally:
            process.stdin.close()


def _requests(url: str) -> int:
    return httpx.get(f"{url}/requests").json()["requests"]


def _bare(directory: Path, environment: dict[str, str]) -> float:
    directory.mkdir()
    config = {
        "extractor": {
            "modules": ["pixiv"],
            "base-directory": str(directory / "files"),
            "archive": str(directory / "archive.sqlite3"),
            "archive-pragma": ["journal_mode=WAL", "synchronous=NORMAL"],
            "pixiv": {"refresh-token": REFRESH_TOKEN},
        },
        "output": {"mode": "null", "progress": False},
    }
    (directory / "config.json").write_text(json.dumps(config))
    command = [PROGRAMS / "gallery-dl", "--config-ignore"]
    command += ["--config", directory / "config.json", "--cache-file", directory / "cache"]
    url = f"https://www.pixiv.net/users/{USER_ID}/bookmarks/artworks"
    started = time.perf_counter()
    subprocess.run([*command, url], check=True, env=environment, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    assert len(list((directory / "files").rglob("*.png"))) == IMAGES
    return seconds


def _job(home: Path, environment: dict[str, str], extra: str = "") -> float:
    """Run the job; return the seconds of its own work."""
    home.mkdir(exist_ok=True)
    configuration = home / "sync.toml"
    configuration.write_text(
        'home = "home"\n[pixiv]\nsleep_request = 0\ndisk_free_threshold_bytes = 0\n'
        f'download_directory = "files"\n{extra}'
        f'[pixiv.accounts.main]\nuser_id = {USER_ID}\nrefresh_token = "{REFRESH_TOKEN}"\n'
    )
    os.environ[CONFIG_VARIABLE] = str(configuration)
    settings = load_settings()
    initialise_home(settings)
    logs = settings.home / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    command = ["dagster", "job", "execute", "-m", "sync_assets.definitions", "-j", "pixiv_sync"]
    subprocess.run(
        [PROGRAMS / command[0], *command[1:]],
        check=True,
        cwd=home,
        env={
            **environment,
            CONFIG_VARIABLE: str(configuration),
            "DAGSTER_HOME": str(settings.dagster_home),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    lines = [json.loads(line) for path in logs.glob("*.jsonl") for line in path.open()]
    stages = {
        line["asset"]: line["seconds"]
        for line in lines
        if "seconds" in line and line.get("asset", "").startswith("pixiv")
    }
    assert len(stages) == 3, stages
    return sum(stages.values())


def _print(measured: Measured, *, json_output: bool) -> None:
    if json_output:
        figures = {
            "benchmark": "pixiv",
            **asdict(measured),
            "meets_requirements": measured.meets_requirements,
        }
        print(json.dumps(figures))
        return
    table = Table(title=f"Pixiv: {IMAGES} small images, {BOOKMARKS} bookmarks, median of {ROUNDS}")
    for column in ("what", "measured", "allowed"):
        table.add_column(column, justify="left" if column == "what" else "right")
    table.add_row("bare gallery-dl, s", f"{measured.bare_s:.2f}", "")
    table.add_row("the job's own work, s", f"{measured.own_s:.2f}", "")
    table.add_row("ratio", f"{measured.ratio_to_bare:.2f}", f"{MAXIMUM_RATIO:.2f}")
    table.add_row("nothing new, s", f"{measured.unchanged_s:.2f}", f"{MAXIMUM_SECONDS:.2f}")
    table.add_row(
        "nothing new, API requests", str(measured.unchanged_requests), str(MAXIMUM_REQUESTS)
    )
    table.add_row(
        "full pass, API requests", str(measured.full_requests), str(1 + BOOKMARKS // PAGE_SIZE)
    )
    Console().print(table)
