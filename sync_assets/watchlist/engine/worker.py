"""A run of the watchlist: follow downloads, check what is due, queue what has room by now.

Plain Python: a Dagster run, a test or a command line drives the same worker. Several may be at
work: what must not happen twice holds an item's lease.
"""

import logging
import queue
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from sync_assets.catalog.refreshing import INDEX_NAME
from sync_assets.guards import guard_of_watchlist
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow
from sync_assets.progress import Progress
from sync_assets.settings import Settings
from sync_assets.watchlist.engine.checking import Checker, CheckReport
from sync_assets.watchlist.engine.expecting import complete_items
from sync_assets.watchlist.engine.following import Follower, FollowReport
from sync_assets.watchlist.engine.queueing import ready_items
from sync_assets.watchlist.providers import Provider, installed_providers
from sync_assets.watchlist.providers.client import PageClient
from sync_assets.watchlist.providers.pacing import LedgerPace
from sync_assets.watchlist.store import items, schedule

MOST_ITEMS = 10_000
"""The most items of one run; the next run takes the rest."""

Result = TypeVar("Result")

_logger = logging.getLogger(__name__)


@dataclass
class RunReport:
    """What a run has done.

    Attributes:
        checks: What became of each check.
        followed: What became of downloads.
        queued: Downloads that were queued.
        completed: The items that are complete now.
        changed: The items of which anything is other than it was.
        requests: Pages that were asked for.
        seconds: How long it took.
    """

    checks: list[CheckReport] = field(default_factory=list)
    followed: FollowReport = field(default_factory=FollowReport)
    queued: int = 0
    completed: list[int] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)
    requests: int = 0
    seconds: float = 0.0

    @property
    def numbers(self) -> dict[str, int | float]:
        """The numbers, by their names in metadata and logs."""
        made = [each for each in self.checks if each.outcome is not None]
        return {
            "checked": len(made),
            "found": sum(each.counts.found for each in made),
            "new": sum(each.counts.new for each in made),
            "queued": self.queued,
            "downloaded": self.followed.downloaded,
            "failed": self.followed.failed,
            "broken": sum(each.is_broken for each in made),
            "errors": sum(each.counts.errors for each in made),
            "completed": len(self.completed),
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
        }


class Worker:
    """Does the work of one run.

    Args:
        settings: The whole configuration.
        ledger: The ledger.
        run_id: The Dagster run, for the history; None from elsewhere.
        providers: The providers by id; without them, those that are installed.

    Raises:
        UnknownProviderError: The configuration names a provider that is not installed.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        *,
        run_id: str | None,
        providers: dict[str, Provider] | None = None,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._run_id = run_id
        watchlist = settings.watchlist
        found = providers if providers is not None else installed_providers(watchlist)
        self._checker = Checker(watchlist, ledger, found, run_id=run_id)
        self._report = RunReport()

    def run(self, item_ids: Collection[int] | None = None) -> RunReport:
        """Do everything once.

        Args:
            item_ids: Check these, whether they are due or not; None for all that are due.

        Raises:
            LedgerUnavailableError: The ledger cannot be used.
        """
        started_at = time.monotonic()
        report = self._report
        report.followed = Follower(self._settings, self._ledger, run_id=self._run_id).follow()
        with self._ledger.read() as connection:
            if item_ids is None:
                due = schedule.due(connection, limit=MOST_ITEMS)
            else:
                found = (items.find_by_id(connection, each) for each in item_ids)
                due = [each for each in found if each is not None]
        report.checks = self._check(due)
        with self._ledger.read() as connection:
            ready = ready_items(connection, self._settings.watchlist)
        advanced = sum(self._in_threads(ready, self._checker.advance))
        report.queued = advanced + sum(each.counts.queued for each in report.checks)
        touched = {*(each.id for each in due), *report.followed.item_ids, *ready}
        report.completed = complete_items(
            self._ledger,
            sorted(touched),
            self._settings.catalog_directory / INDEX_NAME,
            run_id=self._run_id,
        )
        report.changed = {
            *report.followed.item_ids,
            *ready,
            *report.completed,
            *(each.item_id for each in report.checks if each.is_news),
            *(item_ids or ()),
        }
        report.seconds = time.monotonic() - started_at
        return report

    def _check(self, due: Sequence[AnyRow]) -> list[CheckReport]:
        progress = Progress(_logger, "items checked", total=len(due))
        deadline = time.monotonic() + self._settings.watchlist.max_run_seconds

        def check(item_id: int, client: PageClient) -> CheckReport | None:
            # What is left stays due: the next run begins with it.
            if time.monotonic() > deadline:
                return None
            return self._checker.check(item_id, client)

        reports = []
        for report in self._in_threads(_spread(due), check):
            if report is not None:
                reports.append(report)
                progress.update(len(reports))
        return reports

    def _in_threads(
        self, item_ids: Sequence[int], work: Callable[[int, PageClient], Result]
    ) -> Iterator[Result]:
        """Work on items, several at a time, each thread with a client of its own."""
        if not item_ids:
            return
        settings = self._settings.watchlist
        connections = min(settings.connections, len(item_ids))
        guard = guard_of_watchlist(settings)
        pace = LedgerPace(self._ledger, settings.fetching.requests_per_second)
        clients: queue.SimpleQueue[PageClient] = queue.SimpleQueue()

        def with_client(item_id: int) -> Result:
            client = clients.get()
            try:
                return work(item_id, client)
            finally:
                clients.put(client)

        with ExitStack() as stack:
            opened = [
                stack.enter_context(PageClient(settings.fetching, guard, pace))
                for _ in range(connections)
            ]
            for client in opened:
                clients.put(client)
            pool = ThreadPoolExecutor(connections, thread_name_prefix="watchlist")
            stack.callback(pool.shutdown, cancel_futures=True)
            yield from pool.map(with_client, item_ids)
            self._report.requests += sum(client.requests for client in opened)


def _spread(due: Iterable[AnyRow]) -> list[int]:
    """Order items so that those of one host do not keep all connections waiting for it."""
    seen: Counter[str] = Counter()
    placed = []
    for item in due:
        host = urlsplit(item.url).hostname or ""
        placed.append((seen[host], item.id))
        seen[host] += 1
    return [item_id for _, item_id in sorted(placed, key=lambda each: each[0])]
