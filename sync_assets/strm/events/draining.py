"""Deal with the storage events of the inbox: claim, look, settle, or try again later.

The caller holds the lease of the STRM domain for the whole time, so that whatever another run has
claimed belongs to a run that died.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection

from sync_assets.errors import SyncError
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import INBOX, InboxState, claim, claimed_by_others, put_back, wake
from sync_assets.ledger.leases import Lease, LeaseLostError
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.settings.strm import StrmSettings
from sync_assets.strm.events.drives import DriveUnmountedError, record_mount
from sync_assets.strm.events.parsing import Parsed, parse_event
from sync_assets.strm.events.routing import route
from sync_assets.strm.events.touching import Touched, touch
from sync_assets.strm.events.waiting import SOURCES
from sync_assets.strm.job_run import JobRun, StageResult

EVENTS_PER_CLAIM = 5_000
RETRY_SECONDS = (5, 10, 20, 40, 80, 160)
"""How long an event that has not settled waits, by its number of attempts; then it has failed."""

UNAVAILABLE_SECONDS = 300
"""How long events wait for a source, an output or a drive; such an attempt does not count."""

MAXIMUM_DEATHS = 10
"""An event whose runs died this often may be what kills them."""


@dataclass
class JobOutcome:
    """What was done for one job.

    Attributes:
        results: The result of each batch.
        changes: How many `.strm` files were written, the first ones by path.
        error: Why the job could not be looked at; None where it could.
    """

    results: list[StageResult] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    error: SyncError | None = None


@dataclass
class Drained:
    """What a run did with the inbox.

    Attributes:
        events: How many events were claimed.
        settled: How many of them are done.
        later: How many were put back.
        failed: How many failed, with the reason of each.
        recovered: How many a dead run had claimed.
        jobs: What was done for each job.
    """

    events: int = 0
    settled: int = 0
    later: int = 0
    failed: list[str] = field(default_factory=list)
    recovered: int = 0
    jobs: dict[str, JobOutcome] = field(default_factory=dict)


@dataclass(frozen=True)
class _Verdict:
    """Why an event is not done."""

    reason: str
    counts: bool = True
    is_failure: bool = True


class Drain:
    """One run over the inbox.

    Args:
        settings: The domain's configuration.
        ledger: The ledger.
        lake: The lake.
        lease: The domain's lease, held.
        run_id: The Dagster run.
    """

    def __init__(
        self, settings: StrmSettings, ledger: Ledger, lake: Lake, *, lease: Lease, run_id: str
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._lake = lake
        self._lease = lease
        self._run_id = run_id
        self._drained = Drained()

    def run(self) -> Drained:
        """Deal with all events that wait.

        Returns:
            What was done.

        Raises:
            LeaseLostError: The lease was lost; the events stay claimed, and the next run takes
                them back.
        """
        self._recover()
        while True:
            with self._ledger.write() as connection:
                rows = claim(connection, *SOURCES, run_id=self._run_id, limit=EVENTS_PER_CLAIM)
            if not rows:
                return self._drained
            self._drained.events += len(rows)
            self._deal_with(rows)

    def _recover(self) -> None:
        with self._ledger.write() as connection:
            rows = claimed_by_others(connection, *SOURCES, run_id=self._run_id)
            for row in rows:
                if row.attempts < MAXIMUM_DEATHS:
                    put_back(connection, row.id, run_id=self._run_id)
                    continue
                self._fail(connection, row, f"{row.attempts} runs that claimed it died")
        self._drained.recovered = len(rows)

    def _deal_with(self, rows: Sequence[AnyRow]) -> None:
        parsed = {row.id: parse_event(row.payload) for row in rows}
        self._record_mounts(rows, parsed)
        verdicts: dict[int, _Verdict] = {}
        roots = {name: job.event_path for name, job in self._settings.jobs.items()}
        changes = [(event, change) for event, each in parsed.items() for change in each.changes]
        for name, job_changes in sorted(route(changes, roots).items()):
            outcome = self._drained.jobs.setdefault(name, JobOutcome())
            try:
                done = touch(self._job(name), job_changes)
            except LeaseLostError:
                raise
            except SyncError as error:
                outcome.error = None if isinstance(error, DriveUnmountedError) else error
                later = _Verdict(f"{name}: {error.message}", counts=False)
                verdicts |= dict.fromkeys(job_changes.events(), later)
                continue
            _add(outcome, done)
            for event, why in done.unsettled.items():
                known = verdicts.get(event)
                if known is None or known.counts:
                    reason = f"{name}: {why.path}: {why.reason}"
                    verdicts[event] = _Verdict(reason, is_failure=why.is_failure)
        rejected = {
            event: "; ".join(each.rejected) for event, each in parsed.items() if each.rejected
        }
        self._finish(rows, verdicts, rejected)

    def _job(self, name: str) -> JobRun:
        settings = self._settings
        return JobRun(
            name,
            settings.jobs[name],
            self._lease,
            self._ledger,
            self._lake,
            settings.media_servers,
        )

    def _record_mounts(self, rows: Sequence[AnyRow], parsed: Mapping[int, Parsed]) -> None:
        with self._ledger.write() as connection:
            for row in rows:
                for mount in parsed[row.id].mounts:
                    # A sender whose clock is ahead must not silence its own later reports.
                    moment = min(mount.occurred_at or row.received_at, row.received_at)
                    is_news = record_mount(
                        connection,
                        mount.mount_point,
                        is_mounted=mount.is_mounted,
                        changed_at=moment,
                    )
                    if is_news and mount.is_mounted:
                        wake(connection, *SOURCES)

    def _finish(
        self, rows: Sequence[AnyRow], verdicts: Mapping[int, _Verdict], rejected: Mapping[int, str]
    ) -> None:
        with self._ledger.write() as connection:
            for row in rows:
                verdict = verdicts.get(row.id)
                if verdict is not None and not verdict.counts:
                    self._put_back(connection, row, UNAVAILABLE_SECONDS, counts=False)
                elif verdict is not None and row.attempts <= len(RETRY_SECONDS):
                    self._put_back(connection, row, RETRY_SECONDS[row.attempts - 1], counts=True)
                elif row.id in rejected:
                    self._fail(connection, row, rejected[row.id])
                elif verdict is not None and verdict.is_failure:
                    self._fail(connection, row, f"{verdict.reason}, after {row.attempts} looks")
                else:
                    self._settle(connection, row)

    def _settle(self, connection: Connection, row: AnyRow) -> None:
        INBOX.transition(connection, row.id, InboxState.DONE, run_id=self._run_id)
        self._drained.settled += 1

    def _put_back(
        self, connection: Connection, row: AnyRow, seconds: float, *, counts: bool
    ) -> None:
        not_before = utc_now() + timedelta(seconds=seconds)
        put_back(connection, row.id, run_id=self._run_id, not_before=not_before, counts=counts)
        self._drained.later += 1

    def _fail(self, connection: Connection, row: AnyRow, reason: str) -> None:
        INBOX.transition(
            connection,
            row.id,
            InboxState.FAILED,
            run_id=self._run_id,
            detail={"reason": reason},
            failure_reason=reason,
        )
        self._drained.failed.append(f"event {row.id} ({row.source}): {reason}")


def _add(outcome: JobOutcome, done: Touched) -> None:
    outcome.error = None
    outcome.results.append(done.result)
    outcome.changes += [f"{change.outcome} {change.path}" for change in done.changes]
