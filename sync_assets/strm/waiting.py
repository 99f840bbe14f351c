"""Whether a run for storage events is wanted, for whoever can start one: the server, the sensor.

Both ask the same question of the ledger and make the same run key, so that either can be down and
nothing runs twice. Nothing here knows Dagster.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import has_claimed, waiting
from sync_assets.ledger.leases import is_held

LEASE_NAME = "strm"
"""What every STRM run holds."""

JOB_NAME = "strm_events"
SENSOR_NAME = "strm_events_sensor"

CLOUDDRIVE = "clouddrive"
OPENLIST = "openlist"
INTERNAL = "internal"
SOURCES = (CLOUDDRIVE, OPENLIST, INTERNAL, "generic:strm")
"""Whose events the STRM domain deals with."""


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
    """A run of `strm_events` that has not finished.

    Attributes:
        run_id: Which.
        has_started: Whether its process is at work.
    """

    run_id: str
    has_started: bool


def wanted_run(ledger: Ledger, active: Collection[ActiveRun]) -> WantedRun | None:
    """Say which run should be started now.

    Args:
        ledger: The ledger.
        active: The runs of `strm_events` that have not finished.

    Returns:
        The run; None where no event waits, or a run is going to claim those that do.
    """
    with ledger.read() as connection:
        now_waiting = waiting(connection, *SOURCES)
        if now_waiting is None:
            return None
        # Such a run would only wait, and then fail: a full scan from the shell may take hours.
        if not active and is_held(connection, LEASE_NAME):
            return None
        for run in active:
            # One that has claimed may be past its last look at the inbox.
            if not run.has_started or not has_claimed(connection, run.run_id):
                return None
    changed = int(now_waiting.changed_at.timestamp() * 1_000_000)
    return WantedRun(f"{JOB_NAME}:{now_waiting.newest_id}:{changed}", now_waiting.count)
