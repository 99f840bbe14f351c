"""Whether a run for waiting events is wanted, for whoever can start one: the server or a sensor.

Both ask the same question of the ledger and make the same run key, so that either can be down and
nothing runs twice. Nothing here knows Dagster, nor any domain.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import has_claimed, waiting
from sync_assets.ledger.leases import is_held


@dataclass(frozen=True)
class EventJob:
    """A Dagster job that deals with events of the inbox.

    Attributes:
        name: The job's name.
        sensor_name: The sensor that starts it where nobody else has.
        sources: Whose events it deals with.
        lease_name: The lease that its runs hold; None where they can go side by side.
    """

    name: str
    sensor_name: str
    sources: tuple[str, ...]
    lease_name: str | None


@dataclass(frozen=True)
class WantedRun:
    """A run that should be started.

    Attributes:
        run_key: The same for the same waiting events, whoever asks.
        count: How many events wait.
    """

    run_key: str
    count: int


@dataclass(frozen=True)
class ActiveRun:
    """A run of an event job that has not finished.

    Attributes:
        run_id: Which.
        has_started: Whether its process is at work.
    """

    run_id: str
    has_started: bool


def wanted_run(ledger: Ledger, job: EventJob, active: Collection[ActiveRun]) -> WantedRun | None:
    """Say which run should be started now.

    Args:
        ledger: The ledger.
        job: The job.
        active: Its runs that have not finished.

    Returns:
        The run; None where no event waits, or a run is going to claim those that do.
    """
    with ledger.read() as connection:
        now_waiting = waiting(connection, *job.sources)
        if now_waiting is None:
            return None
        # Such a run would only wait, and then fail: a run from the shell may take hours.
        if not active and job.lease_name and is_held(connection, job.lease_name):
            return None
        for run in active:
            # One that has claimed may be past its last look at the inbox.
            if not run.has_started or not has_claimed(connection, run.run_id):
                return None
    changed = int(now_waiting.changed_at.timestamp() * 1_000_000)
    return WantedRun(f"{job.name}:{now_waiting.newest_id}:{changed}", now_waiting.count)
