"""From Trakt to Bangumi: 10,000 episodes of 400 shows, cold and then with nothing new.

The stand-ins enforce the real limits: Bangumi 3,000 requests in ten minutes, then a ban; Trakt
1,000 in five, and pages of 250 at most. The waits that Bangumi's pace asks for are skipped by a
clock that the client and the stand-in share, so that the seconds are those of the real pace plus
the real work, without the distance to both. It is compared with one request per mark, which is
reckoned.
"""

import json
import logging
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path

from cryptography.fernet import Fernet
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
from sync_assets.catalog.index import CatalogIndex
from sync_assets.catalog.models import Provider, Work, WorkKind
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.settings.bangumi import BangumiSettings
from sync_assets.trakt import history, snapshots
from sync_assets.trakt.account import AccountWork
from sync_assets.trakt.activities import look
from sync_assets.trakt.client import TraktClient
from sync_assets.trakt.oauth import token_keeper
from sync_assets_tests.benchmarks.bangumi_accounts import EPISODES, SHOWS, fill
from sync_assets_tests.support.trakt import connect, trakt_settings
from sync_assets_tests.upstreams.bangumi import TOKEN, BangumiServer
from sync_assets_tests.upstreams.trakt import TraktUpstream

ACCOUNT = "alice"
REQUIRED_TRAKT_REQUESTS = 60
REQUIRED_TRAKT_REQUESTS_NO_CHANGE = 1
REQUIRED_REQUESTS = 1_600
REQUIRED_SECONDS = 360.0
REQUIRED_LOAD_SECONDS = 2.0
REQUIRED_MATCH_SECONDS = 3.0


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
        trakt_requests: Requests to Trakt of the first run.
        requests: Requests to Bangumi of the first run.
        refused: How many of both were refused for their number.
        marks: Episodes that were marked, each once.
        timeline_entries: What friends see of it.
        trakt_s: Seconds of reading Trakt.
        load_s: Seconds until the first answer of the catalogue, which is of full size.
        match_s: Seconds of the matching, with reading and writing its tables.
        match_cpu_s: Seconds of the processor in it: a machine that does other work takes longer.
        seconds: Seconds of the whole first run, at the real pace.
        work_s: Seconds of it without the waits of Bangumi's pace.
        trakt_requests_no_change: Requests to Trakt of the second run.
        requests_no_change: Requests to Bangumi of the second run.
        no_change_s: Seconds of it.
        single_requests: Requests to Bangumi with one for each mark, reckoned.
        single_seconds: Seconds for them at the same pace, reckoned.
    """

    trakt_requests: int
    requests: int
    refused: int
    marks: int
    timeline_entries: int
    trakt_s: float
    load_s: float
    match_s: float
    match_cpu_s: float
    seconds: float
    work_s: float
    trakt_requests_no_change: int
    requests_no_change: int
    no_change_s: float
    single_requests: int
    single_seconds: int

    @property
    def meets_requirements(self) -> bool:
        """Whether everything is as it must be."""
        return (
            self.trakt_requests <= REQUIRED_TRAKT_REQUESTS
            and self.requests <= REQUIRED_REQUESTS
            and self.refused == 0
            and self.marks == EPISODES
            and self.load_s <= REQUIRED_LOAD_SECONDS
            and self.match_s <= REQUIRED_MATCH_SECONDS
            and self.seconds <= REQUIRED_SECONDS
            and self.trakt_requests_no_change <= REQUIRED_TRAKT_REQUESTS_NO_CHANGE
            and self.requests_no_change == 0
        )


@dataclass(frozen=True)
class Seconds:
    """How long parts of a run took."""

    reading: float
    matching: float
    matching_cpu: float


class Bench:
    """Both stand-ins, and runs from the one to the other.

    Args:
        upstream: Trakt.
        server: Bangumi.
        ledger: The ledger.
        directory: For everything else.
    """

    def __init__(
        self, upstream: TraktUpstream, server: BangumiServer, ledger: Ledger, directory: Path
    ) -> None:
        self.upstream = upstream
        self.server = server
        self.clock = server.clock = SkippingClock()
        self._ledger = ledger
        self._lake = Lake(directory / "lake")
        self._directory = directory
        self._key = Fernet.generate_key()
        self._runs = 0
        fill(upstream.library, server, self.index_path)
        connect(upstream, ledger, self._key)

    @property
    def index_path(self) -> Path:
        """The catalogue."""
        return self._directory / "index.sqlite"

    def run(self) -> Seconds:
        """Read Trakt, match, plan and send; return how long the first two took."""
        self._runs += 1
        began = time.perf_counter()
        self._read_trakt()
        read, read_cpu = time.perf_counter(), time.thread_time()
        with self._account_run() as run:
            match(run, self.index_path, self._directory / "matching.toml")
            matched, matched_cpu = time.perf_counter(), time.thread_time()
            _require_success(plan(run))
            _require_success(send(run))
        return Seconds(read - began, matched - read, matched_cpu - read_cpu)

    def _read_trakt(self) -> None:
        settings = trakt_settings(self.upstream)
        keeper = token_keeper(self._ledger, self._key, settings, ACCOUNT)
        with TraktClient(settings, self._ledger, ACCOUNT, keeper) as client:
            now = self.upstream.library.now.astimezone(UTC)
            work = AccountWork(ACCOUNT, settings, client, self._ledger, self._lake, now=now)
            activities = look(work, f"run-{self._runs}")
            history.follow(work, activities)
            for snapshot in (snapshots.RATINGS, snapshots.COLLECTION):
                snapshots.follow(work, activities, snapshot)

    @contextmanager
    def _account_run(self) -> Generator[AccountRun]:
        settings = BangumiSettings.model_validate(
            {
                "base_url": self.server.url,
                "accounts": {ACCOUNT: {"access_token": TOKEN}},
                "dry_run": False,
            }
        )
        transport = BangumiTransport(
            self.server.url,
            PersonalToken(ACCOUNT, settings.accounts[ACCOUNT]),
            self._ledger,
            rate_limit(ACCOUNT, settings.requests_per_10_minutes),
            sleep=self.clock.sleep,
            clock=self.clock,
        )
        with (
            closing(BangumiClient(transport)) as client,
            account_lease(self._ledger, ACCOUNT, "benchmark") as lease,
        ):
            yield AccountRun(
                ACCOUNT,
                settings,
                f"run-{self._runs}",
                self._ledger,
                self._lake,
                client,
                lease,
                self._directory / "plans",
            )


def run(json_output: bool) -> int:
    """Measure, and print the figures."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with (
        tempfile.TemporaryDirectory(prefix="sync-benchmark-") as directory,
        TraktUpstream(ACCOUNT) as upstream,
        BangumiServer() as server,
        closing(Ledger.open(f"sqlite:///{directory}/ledger.db")) as ledger,
    ):
        measured = _measure(Bench(upstream, server, ledger, Path(directory)))
        assert upstream.violations == []
        assert server.violations == []
        assert set(server.marks.values()) == {1}
    if json_output:
        report = {"benchmark": "bangumi", "episodes": EPISODES, "shows": SHOWS}
        extra = {"waits_are_skipped": True, "meets_requirements": measured.meets_requirements}
        print(json.dumps(report | asdict(measured) | extra))
    else:
        _print(measured)
    return 0 if measured.meets_requirements else 1


def _measure(bench: Bench) -> Measured:
    upstream, server, clock = bench.upstream, bench.server, bench.clock
    load_s = _load(bench.index_path)
    started, began = clock(), time.time()
    took = bench.run()
    seconds, work = clock() - started, time.time() - began
    trakt_requests, requests = upstream.api_requests, len(server.requests)
    began = time.time()
    bench.run()
    no_change_s = time.time() - began
    limit = rate_limit(ACCOUNT, BangumiSettings().requests_per_10_minutes)
    singles = requests - server.count("PATCH */episodes") + len(server.marks)
    return Measured(
        trakt_requests,
        requests,
        upstream.refused + server.too_many,
        len(server.marks),
        len(server.timeline),
        round(took.reading, 2),
        round(load_s, 3),
        round(took.matching, 2),
        round(took.matching_cpu, 2),
        round(seconds, 1),
        round(work, 1),
        upstream.api_requests - trakt_requests,
        len(server.requests) - requests,
        round(no_change_s, 2),
        singles,
        round((singles - limit.burst) * WINDOW_SECONDS / limit.permits),
    )


def _load(index_path: Path) -> float:
    began = time.perf_counter()
    with closing(CatalogIndex(index_path)) as index:
        index.links([Work(Provider.TMDB, WorkKind.SHOW, "60001")])
        return time.perf_counter() - began


def _require_success(result: StageResult) -> None:
    assert result.failed == 0, result


def _print(measured: Measured) -> None:
    table = Table(title=f"{EPISODES:,} episodes of {SHOWS} shows from Trakt to Bangumi")
    for name in ("", "measured", "required", "one request per mark (reckoned)"):
        table.add_column(name, justify="right" if name else "left")
    rows = [
        (
            "requests to Trakt, cold",
            f"{measured.trakt_requests:,}",
            f"≤ {REQUIRED_TRAKT_REQUESTS}",
            "",
        ),
        (
            "requests to Bangumi, cold",
            f"{measured.requests:,}",
            f"≤ {REQUIRED_REQUESTS:,}",
            f"{measured.single_requests:,}",
        ),
        ("refused for their number (429)", str(measured.refused), "0", ""),
        (
            "seconds at the real pace, waits skipped",
            str(measured.seconds),
            f"≤ {REQUIRED_SECONDS:.0f}",
            f"{measured.single_seconds:,}",
        ),
        ("seconds of work in it", str(measured.work_s), "", ""),
        ("seconds of reading Trakt in it", str(measured.trakt_s), "", ""),
        ("seconds to load the index", str(measured.load_s), f"≤ {REQUIRED_LOAD_SECONDS:.0f}", ""),
        (
            "seconds of matching in it",
            str(measured.match_s),
            f"≤ {REQUIRED_MATCH_SECONDS:.0f}",
            "",
        ),
        ("seconds of the processor in that", str(measured.match_cpu_s), "", ""),
        ("entries in the timeline", f"{measured.timeline_entries:,}", "", ""),
        (
            "requests to Trakt, nothing new",
            str(measured.trakt_requests_no_change),
            f"≤ {REQUIRED_TRAKT_REQUESTS_NO_CHANGE}",
            "",
        ),
        ("requests to Bangumi, nothing new", str(measured.requests_no_change), "0", ""),
        ("seconds, nothing new", str(measured.no_change_s), "", ""),
    ]
    for row in rows:
        table.add_row(*row)
    Console().print(table)
