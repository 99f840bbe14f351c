"""Check a thousand items against feeds on this machine, first with news and then without.

Each item has a feed of its own, on several hosts as in real lists. What counts is the run's own
work, as its stage logs it, and its memory above that of a run without items.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import update

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import watchlist_items
from sync_assets.ledger.types import utc_now
from sync_assets.ops.home import initialise_home
from sync_assets.settings import Settings
from sync_assets.settings.loading import CONFIG_VARIABLE, load_settings
from sync_assets.settings.models import ENVIRONMENT_PREFIX
from sync_assets.watchlist import items
from sync_assets.watchlist.items import NewItem
from sync_assets.watchlist.models import CHECK_JOB
from sync_assets_tests.upstreams.feed_site import Document, FeedSite
from sync_assets_tests.watchlist.watching import feed

ITEMS = 1_000
EPISODES = 12
HOSTS = 8
REQUIRED_SECONDS = 60
REQUIRED_MEMORY_MB = 150

_CONFIGURATION = """\
home = "home"
[relay]
enabled = true
receive = "off"
[watchlist]
enabled = true
connections = 8
allowed_private_hosts = ["127.0.0.0/8"]
[watchlist.fetching]
requests_per_second = 20
"""


@dataclass(frozen=True)
class CheckRun:
    """What a run took: its own seconds, its process's memory, and what its stage counted."""

    own_s: float
    peak_rss_mb: float
    numbers: dict[str, int]


def run(json_output: bool) -> int:
    """Measure, and print the figures; 0 where they meet what is required."""
    with tempfile.TemporaryDirectory(prefix="sync-benchmark-") as name, ExitStack() as stack:
        home = Path(name)
        settings = _prepare(home)
        ledger = Ledger.open(settings.ledger_url)
        idle = _check(home, settings)
        sites = [FeedSite() for _ in range(HOSTS)]
        for number, site in enumerate(sites, start=1):
            site.address = f"127.0.0.{number}"
            stack.enter_context(site)
        _add_items(ledger, sites)
        first = _check(home, settings)
        with ledger.write() as connection:
            connection.execute(update(watchlist_items).values(next_check_at=utc_now()))
        again = _check(home, settings)
        ledger.close()
    above = round(max(first.peak_rss_mb, again.peak_rss_mb) - idle.peak_rss_mb, 1)
    meets = (
        max(first.own_s, again.own_s) <= REQUIRED_SECONDS
        and above <= REQUIRED_MEMORY_MB
        and first.numbers["checked"] == again.numbers["checked"] == ITEMS
        and first.numbers["new"] == ITEMS * EPISODES
    )
    if json_output:
        report = {
            "benchmark": "watchlist",
            "items": ITEMS,
            "first_s": round(first.own_s, 1),
            "again_s": round(again.own_s, 1),
            "dagster_mb": round(idle.peak_rss_mb, 1),
            "above_mb": above,
            "meets_requirements": meets,
        }
        print(json.dumps(report))
        return 0 if meets else 1
    table = Table(
        title=f"{ITEMS:,} items with {EPISODES} episodes each, 8 connections",
        caption=f"Required: at most {REQUIRED_SECONDS} s, and {REQUIRED_MEMORY_MB} MB above "
        f"Dagster's own {idle.peak_rss_mb:.0f} MB.",
    )
    table.add_column("run")
    for column in ("seconds", "items/s", "new episodes", "queued", "MB above"):
        table.add_column(column, justify="right")
    for label, done in (("first", first), ("unchanged", again)):
        table.add_row(
            label,
            f"{done.own_s:.1f}",
            f"{ITEMS / done.own_s:.0f}",
            f"{done.numbers['new']:,}",
            f"{done.numbers['queued']:,}",
            f"{done.peak_rss_mb - idle.peak_rss_mb:.0f}",
        )
    Console().print(table)
    return 0 if meets else 1


def _prepare(home: Path) -> Settings:
    configuration = home / "sync.toml"
    configuration.write_text(_CONFIGURATION, encoding="utf-8")
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        del os.environ[name]  # they win over the file, and name the user's own home
    os.environ[CONFIG_VARIABLE] = str(configuration)
    settings = load_settings()
    initialise_home(settings)
    return settings


def _add_items(ledger: Ledger, sites: Sequence[FeedSite]) -> None:
    with ledger.write() as connection:
        for number in range(ITEMS):
            # Letters alone: no number, season or version is to be read from it.
            title = "Show " + "".join(chr(ord("a") + int(digit)) for digit in str(number))
            path, site = f"/feed/{number}", sites[number % HOSTS]
            names = [f"[Group] {title} - {each:02} (1080p).mkv" for each in range(1, EPISODES + 1)]
            site.documents[path] = Document(feed([(name, f"{site.url}/{name}") for name in names]))
            new = NewItem(url=f"{site.url}{path}", provider="feed", title=title)
            items.add(connection, f"user {number % 10}", new)


def _check(home: Path, settings: Settings) -> CheckRun:
    for path in (settings.home / "logs").glob("*.jsonl"):
        path.unlink()
    dagster = Path(sys.executable).parent / "dagster"
    process = subprocess.Popen(
        [dagster, "job", "execute", "-m", "sync_assets.definitions", "-j", CHECK_JOB],
        cwd=home,
        env={**os.environ, "DAGSTER_HOME": str(settings.dagster_home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{CHECK_JOB} failed; see {settings.home / 'logs'}"
    lines = [
        json.loads(line)
        for path in (settings.home / "logs").glob("*.jsonl")
        for line in path.open(encoding="utf-8")
    ]
    done = next(line for line in lines if line.get("stage") == "watchlist" and "checked" in line)
    numbers = {name: value for name, value in done.items() if type(value) is int}
    return CheckRun(done["seconds"], usage.ru_maxrss / 1_024, numbers)
