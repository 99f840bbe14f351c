"""Reporting 10,000 episodes of 400 shows to Bangumi, cold and then with nothing new.

The stand-in enforces the real limit: 3,000 requests in ten minutes, then a ban. The waits that the
pace asks for are skipped by a clock that the client and the stand-in share, so that the seconds are
those of the real pace plus the real work, without the distance to Bangumi. It is compared with one
request per mark, which is reckoned.
"""

import json
import logging
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sync_assets.bangumi.access import PersonalToken
from sync_assets.bangumi.account_run import AccountRun, StageResult
from sync_assets.bangumi.client import BangumiClient
from sync_assets.bangumi.http import WINDOW_SECONDS, BangumiTransport, rate_limit
from sync_assets.bangumi.leases import account_lease
from sync_assets.bangumi.matching_stage import match
from sync_assets.bangumi.planning import plan
from sync_assets.bangumi.sending import send
from sync_assets.catalog.models import Provider, Work, WorkKind
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.settings.bangumi import BangumiSettings
from sync_assets_tests.bangumi.matching.building import Catalogue
from sync_assets_tests.bangumi.trakt_rows import play, write_history
from sync_assets_tests.upstreams.bangumi import TOKEN, BangumiServer

ACCOUNT = "alice"
SHOWS = 400
EPISODES_PER_SHOW = 25
SPLIT_EVERY = 4
"""Every fourth show is two subjects at Bangumi, which makes 500."""
FIRST_PART = 13
REQUIRED_REQUESTS = 1_600
REQUIRED_SECONDS = 360.0


class SkippingClock:
    """Seconds since the epoch, in which waits take no time."""

    def __init__(self) -> None:
        self._skipped = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return time.time() + self._skipped

    def sleep(self, seconds: float) -> None:
        until = self() + seconds
        with self._lock:
            self._skipped = max(self._skipped, until - time.time())


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        requests: Requests of the first run.
        refused: How many of them were refused for their number.
        marks: Episodes that were marked, each once.
        timeline_entries: What friends see of it.
        match_s: Seconds of the matching.
        seconds: Seconds of the whole first run, at the real pace.
        work_s: Seconds of it without the waits of the pace.
        requests_no_change: Requests of the second run.
        no_change_s: Seconds of it.
        single_requests: Requests with one for each mark, reckoned.
        single_seconds: Seconds for them at the same pace, reckoned.
    """

    requests: int
    refused: int
    marks: int
    timeline_entries: int
    match_s: float
    seconds: float
    work_s: float
    requests_no_change: int
    no_change_s: float
    single_requests: int
    single_seconds: int


def run(json_output: bool) -> int:
    """Measure, and print the figures."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with (
        tempfile.TemporaryDirectory(prefix="sync-benchmark-") as directory,
        BangumiServer() as server,
        closing(Ledger.open(f"sqlite:///{directory}/ledger.db")) as ledger,
    ):
        _fill(server, Path(directory))
        measured = _measure(server, ledger, Path(directory))
        assert server.violations == []
        assert set(server.marks.values()) == {1}
    meets = (
        measured.requests <= REQUIRED_REQUESTS
        and measured.refused == 0
        and measured.marks == SHOWS * EPISODES_PER_SHOW
        and measured.seconds <= REQUIRED_SECONDS
        and measured.requests_no_change == 0
    )
    if json_output:
        report = {"benchmark": "bangumi", "episodes": SHOWS * EPISODES_PER_SHOW, "shows": SHOWS}
        extra = {"waits_are_skipped": True, "meets_requirements": meets}
        print(json.dumps(report | asdict(measured) | extra))
    else:
        _print(measured)
    return 0 if meets else 1


def _fill(server: BangumiServer, directory: Path) -> None:
    """Make the shows: at Bangumi, in the catalogue, and in Trakt's history."""
    catalogue = Catalogue(directory / "index.sqlite")
    plays = []
    for show in range(1, SHOWS + 1):
        work = Work(Provider.TMDB, WorkKind.SHOW, str(show))
        sizes = [EPISODES_PER_SHOW]
        if show % SPLIT_EVERY == 0:
            sizes = [FIRST_PART, EPISODES_PER_SHOW - FIRST_PART]
        first = 1
        for part, size in enumerate(sizes):
            subject = show * 10 + part
            server.add_subject(subject, size)
            catalogue.subject(subject, episodes=size)
            catalogue.link("anime_lists", subject, work, season=1, first=first)
            first += size
        for number in range(1, EPISODES_PER_SHOW + 1):
            when = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=len(plays))
            title = f"Show {show}"
            ids = {"trakt": show, "tmdb": show, "title": title, "original_title": title}
            plays.append(play(len(plays), number, watched_at=when, **ids))
    assert catalogue.index is not None
    catalogue.close()
    write_history(directory / "lake", ACCOUNT, *plays)


def _measure(server: BangumiServer, ledger: Ledger, directory: Path) -> Measured:
    clock = SkippingClock()
    server.clock = clock
    started, began = clock(), time.time()
    matched = _run(server, ledger, directory, clock)
    seconds, work = clock() - started, time.time() - began
    requests, began = len(server.requests), time.time()
    _run(server, ledger, directory, clock)
    limit = rate_limit(ACCOUNT, BangumiSettings().requests_per_10_minutes)
    singles = requests - server.count("PATCH */episodes") + len(server.marks)
    return Measured(
        requests,
        server.too_many,
        len(server.marks),
        len(server.timeline),
        round(matched, 2),
        round(seconds, 1),
        round(work, 1),
        len(server.requests) - requests,
        round(time.time() - began, 2),
        singles,
        round((singles - limit.burst) * WINDOW_SECONDS / limit.permits),
    )


def _run(server: BangumiServer, ledger: Ledger, directory: Path, clock: SkippingClock) -> float:
    """Match, plan and send; return the seconds of the matching."""
    account = {"access_token": TOKEN}
    settings = BangumiSettings.model_validate(
        {"base_url": server.url, "accounts": {ACCOUNT: account}, "dry_run": False}
    )
    transport = BangumiTransport(
        server.url,
        PersonalToken(ACCOUNT, settings.accounts[ACCOUNT]),
        ledger,
        rate_limit(ACCOUNT, settings.requests_per_10_minutes),
        sleep=clock.sleep,
        clock=clock,
    )
    with (
        closing(BangumiClient(transport)) as client,
        account_lease(ledger, ACCOUNT, "benchmark") as lease,
    ):
        lake = Lake(directory / "lake")
        plans = directory / "plans"
        account_run = AccountRun(ACCOUNT, settings, "run", ledger, lake, client, lease, plans)
        began = time.perf_counter()
        match(account_run, directory / "index.sqlite", directory / "matching.toml")
        matched = time.perf_counter() - began
        _require_success(plan(account_run))
        _require_success(send(account_run))
    return matched


def _require_success(result: StageResult) -> None:
    assert result.failed == 0, result


def _print(measured: Measured) -> None:
    title = f"{SHOWS * EPISODES_PER_SHOW:,} episodes of {SHOWS} shows to Bangumi"
    table = Table(title=title)
    for name in ("", "measured", "required", "one request per mark (reckoned)"):
        table.add_column(name, justify="right" if name else "left")
    table.add_row(
        "requests, cold",
        f"{measured.requests:,}",
        f"≤ {REQUIRED_REQUESTS:,}",
        f"{measured.single_requests:,}",
    )
    table.add_row("refused for their number", str(measured.refused), "0", "")
    table.add_row(
        "seconds at the real pace, waits skipped",
        str(measured.seconds),
        f"≤ {REQUIRED_SECONDS:.0f}",
        f"{measured.single_seconds:,}",
    )
    table.add_row("seconds of work in it", str(measured.work_s), "", "")
    table.add_row("seconds of matching in it", str(measured.match_s), "", "")
    table.add_row("entries in the timeline", f"{measured.timeline_entries:,}", "", "")
    table.add_row("requests, nothing new", str(measured.requests_no_change), "0", "")
    table.add_row("seconds, nothing new", str(measured.no_change_s), "", "")
    Console().print(table)
