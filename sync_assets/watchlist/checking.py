"""Check an item: ask its provider, store what it lists, choose, and queue what is to be taken.

Each step is written down before the next one begins. A check that is killed anywhere is repeated,
and finds its releases stored and its downloads queued, or does both then.
"""

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from sync_assets.ledger import Ledger
from sync_assets.ledger.engine import LedgerUnavailableError
from sync_assets.ledger.leases import LeaseHeldError, free_lease, take_lease
from sync_assets.ledger.lifecycle import UnknownSubjectError
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.settings.watchlist import WatchlistSettings
from sync_assets.watchlist import checks_log, episodes, items, schedule
from sync_assets.watchlist.checks_log import CheckCounts
from sync_assets.watchlist.choosing import Decision
from sync_assets.watchlist.deciding import (
    Situation,
    is_automatic,
    left,
    situation,
    to_take,
    write_down,
)
from sync_assets.watchlist.fetching import ReleaseUnavailableError, fetchable
from sync_assets.watchlist.models import CheckOutcome, EpisodeState, ItemState
from sync_assets.watchlist.providers import (
    Client,
    ListResult,
    ListStatus,
    Provider,
    look_for_episodes,
)
from sync_assets.watchlist.queueing import (
    Prepared,
    free_places,
    postpone,
    queue,
    ready_episodes,
    wait_for_room,
)
from sync_assets.watchlist.taking_in import (
    Intake,
    read_state,
    series_of,
    stored_state,
    take_in,
)

_OUTCOMES = {
    ListStatus.NO_DATA: CheckOutcome.NO_DATA,
    ListStatus.BROKEN: CheckOutcome.BROKEN,
    ListStatus.BLOCKED: CheckOutcome.BLOCKED,
}
_LONGEST_CHECK_SECONDS = 3_600.0
_UNUSABLE = "{count} of the listed releases say no number that can be used; they are left out."

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckReport:
    """What became of a check.

    Attributes:
        item_id: The item.
        outcome: What became of looking; None where another check of the item was at work.
        counts: What it found.
        message: What went wrong, for people.
        is_news: Whether anything is other than after the check before.
    """

    item_id: int
    outcome: CheckOutcome | None
    counts: CheckCounts = field(default_factory=CheckCounts)
    message: str | None = None
    is_news: bool = False

    @property
    def is_broken(self) -> bool:
        """Whether the provider could not be read."""
        return self.outcome in (CheckOutcome.BROKEN, CheckOutcome.BLOCKED)


def lease_name(item_id: int) -> str:
    """Return the lease that a check of an item holds.

    Args:
        item_id: The item.
    """
    return f"watchlist item {item_id}"


class Checker:
    """Checks items, several at a time from different threads.

    Args:
        settings: The configuration of the watchlist.
        ledger: The ledger.
        providers: The providers, by id.
        run_id: The Dagster run, for the history.
    """

    def __init__(
        self,
        settings: WatchlistSettings,
        ledger: Ledger,
        providers: Mapping[str, Provider],
        *,
        run_id: str | None,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._providers = providers
        self._run_id = run_id

    def check(self, item_id: int, client: Client) -> CheckReport:
        """Check an item; whatever is wrong with it concerns this item alone.

        Args:
            item_id: Which.
            client: Fetches; used by this thread alone.

        Returns:
            What became of it.

        Raises:
            LedgerUnavailableError: The ledger cannot be used.
        """
        try:
            with self._ledger.write() as connection:
                item = items.get(connection, item_id)
                holder = self._take_lease(connection, item_id)
                check_id = checks_log.begin(connection, item_id, run_id=self._run_id)
            with self._freeing(item_id, holder):
                return self._check(item, check_id, client)
        except (LeaseHeldError, UnknownSubjectError) as error:
            # Another check does what this one was to do; or nobody watches it any more.
            _logger.info("%s", error.message)
            return CheckReport(item_id, None)

    def advance(self, item_id: int, client: Client) -> int:
        """Queue what is to be taken of an item by now, without asking its provider.

        Args:
            item_id: Which.
            client: Fetches torrents; used by this thread alone.

        Returns:
            How many downloads were queued.
        """
        try:
            with self._ledger.write() as connection:
                items.get(connection, item_id)
                holder = self._take_lease(connection, item_id)
            with self._freeing(item_id, holder):
                return self._take(item_id, client).queued
        except (LeaseHeldError, UnknownSubjectError) as error:
            _logger.info("%s", error.message)
            return 0

    def _take_lease(self, connection: Connection, item_id: int) -> str:
        return take_lease(
            connection,
            lease_name(item_id),
            purpose=f"run {self._run_id}",
            duration_seconds=_LONGEST_CHECK_SECONDS,
        )

    @contextmanager
    def _freeing(self, item_id: int, holder: str) -> Generator[None]:
        try:
            yield
        finally:
            with self._ledger.write() as connection:
                free_lease(connection, lease_name(item_id), holder)

    def _check(self, item: AnyRow, check_id: int, client: Client) -> CheckReport:
        try:
            result = self._look(item, client)
            intake, taken = self._store(item, result), CheckCounts()
            if intake is not None:
                taken = self._take(item.id, client)
            report = _report(item.id, result, intake, taken)
        except (LedgerUnavailableError, UnknownSubjectError):
            raise
        except Exception as error:
            _logger.exception("The check of item %d fails.", item.id)
            result = ListResult(ListStatus.BROKEN)
            message = f"The check fails: {type(error).__name__}. The log says more."
            report = CheckReport(item.id, CheckOutcome.BROKEN, CheckCounts(errors=1), message)
        return self._end(item, report, check_id, result)

    def _look(self, item: AnyRow, client: Client) -> ListResult:
        try:
            provider = self._provider(item)
        except ReleaseUnavailableError as error:
            return ListResult(ListStatus.BROKEN, message=str(error))
        state = read_state(item.provider_state)
        return look_for_episodes(provider, series_of(item), client, state)

    def _provider(self, item: AnyRow) -> Provider:
        provider = self._providers.get(item.provider)
        if provider is None:
            raise ReleaseUnavailableError(
                f"The provider {item.provider} is not installed, or is disabled.",
                remedy="Install it, or choose another one for the item.",
                is_temporary=True,
            )
        return provider

    def _store(self, item: AnyRow, result: ListResult) -> Intake | None:
        """Store what is listed; what a failure gave nevertheless counts too."""
        if result.is_unchanged:
            with self._ledger.read() as connection:
                return Intake(len(episodes.of_item(connection, item.id)))
        with self._ledger.write() as connection:
            current = items.get(connection, item.id)
            if _asked(current) != _asked(item):
                return None
            intake = take_in(connection, current, result, run_id=self._run_id)
            if intake.new and current.state == ItemState.COMPLETED:
                items.set_state(
                    connection,
                    item.id,
                    ItemState.ACTIVE,
                    run_id=self._run_id,
                    detail={"reason": "Another episode has appeared."},
                )
            return intake

    def _take(self, item_id: int, client: Client) -> CheckCounts:
        """Choose from what the ledger holds, and queue it."""
        with self._ledger.read() as connection:
            item = items.get(connection, item_id)
            standing = situation(connection, item, self._settings.choosing, utc_now())
            automatic = is_automatic(connection, item)
            places = free_places(connection, item.owner, self._settings)
            ready = connection.execute(ready_episodes(item_id)).all()
        decisions = to_take(standing, is_automatic=automatic)
        entries = left(standing, is_automatic=automatic)
        waiting = [each for each in ready if each.state == EpisodeState.WANTED]
        overdue = ready if places else [each for each in ready if each not in waiting]
        # Of what there is no room for, one episode says so.
        is_told = not decisions or bool(places) or bool(waiting)
        if is_told and not (entries or overdue or (decisions and places)):
            return CheckCounts()
        prepared = [self._prepare(standing, each, client) for each in decisions[:places]]
        with self._ledger.write() as connection:
            items.get(connection, item_id)
            write_down(connection, entries, run_id=self._run_id)
            queued = queue(connection, standing, prepared, self._settings, run_id=self._run_id)
            if decisions[places:]:
                wait_for_room(connection, standing, decisions[places], run_id=self._run_id)
            postpone(connection, item, self._settings)
        errors = sum(each.error is not None for each in prepared)
        return CheckCounts(queued=queued, errors=errors)

    def _prepare(self, standing: Situation, decision: Decision, client: Client) -> Prepared:
        assert decision.offer is not None  # noqa: S101 - decisions to take have one
        try:
            provider = self._provider(standing.item)
            release = standing.releases[decision.offer.key]
            return Prepared(decision, fetchable(release, provider, client))
        except ReleaseUnavailableError as error:
            _logger.warning("Item %d: %s", standing.item.id, error)
            return Prepared(decision, error=error)

    def _end(
        self, item: AnyRow, report: CheckReport, check_id: int, result: ListResult
    ) -> CheckReport:
        outcome = report.outcome or CheckOutcome.INTERRUPTED
        is_read = outcome in (CheckOutcome.OK, CheckOutcome.EMPTY)
        with self._ledger.write() as connection:
            checks_log.end(connection, check_id, outcome, report.counts, message=report.message)
            # Of an item that was changed meanwhile, nothing is known as it is now.
            if _asked(items.get(connection, item.id)) == _asked(item):
                schedule.checked(
                    connection,
                    item.id,
                    outcome,
                    error=None if is_read else report.message,
                    # What a failure was told would hide what it has not stored.
                    provider_state=stored_state(result.state) if is_read else None,
                    retry_after_seconds=result.retry_after_seconds,
                )
        has_changed = outcome != item.last_outcome or report.counts.new or report.counts.queued
        return replace(report, outcome=outcome, is_news=bool(has_changed))


def _asked(item: AnyRow) -> tuple[Any, ...]:
    """Return what of an item says which episodes are its own."""
    return item.url_key, item.title, item.language, item.numbering_offset, item.provider


def _report(
    item_id: int, result: ListResult, intake: Intake | None, taken: CheckCounts
) -> CheckReport:
    if intake is None:
        message = "Its address was changed meanwhile; it is checked again."
        return CheckReport(item_id, CheckOutcome.INTERRUPTED, message=message)
    is_read = result.status is ListStatus.OK
    outcome = _OUTCOMES.get(result.status)
    if outcome is None:
        outcome = CheckOutcome.OK if intake.found or result.is_unchanged else CheckOutcome.EMPTY
    message = result.message or None
    if is_read and intake.unusable:
        message = _UNUSABLE.format(count=intake.unusable)
    counts = CheckCounts(
        found=intake.found,
        new=len(intake.new),
        queued=taken.queued,
        errors=taken.errors + intake.unusable + (0 if is_read else 1),
    )
    return CheckReport(item_id, outcome, counts, message)
