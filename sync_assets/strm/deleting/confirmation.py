"""Deletion plans that wait: counted from scan to scan, until time has shown that they are right.

A plan is the same as long as its orphans are. One more orphan, one that came back, or a listing
with a hole begins the count anew: a source in trouble proves nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select, update

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.schema import strm_deletion_plans
from sync_assets.settings.strm_deletion import DeletionSettings
from sync_assets.strm.models import DeletionPlan

ENTITY = "strm_deletion_plan"
"""The term for a plan in the ledger's history; its id is the job's name."""


class PlanState(StrEnum):
    """What became of a plan, in the history."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Confirmation:
    """How often a plan that waits was found.

    Attributes:
        scans: How many whole scans in a row, far enough apart, found exactly this plan.
        wanted: How many it takes; None where only an approval can release it.
    """

    scans: int
    wanted: int | None

    @property
    def is_given(self) -> bool:
        """Whether the plan may be carried out without approval."""
        return self.wanted is not None and self.scans >= self.wanted


def count_scan(
    ledger: Ledger,
    job: str,
    plan: DeletionPlan,
    *,
    listed_at: datetime,
    limits: DeletionSettings,
) -> Confirmation:
    """Count a full scan that gave a plan which has to wait.

    Args:
        ledger: The ledger.
        job: The job's name.
        plan: The plan.
        listed_at: When the scan began, UTC. It counts if it began long enough after the last one
            that counted was over: a scan that takes a day is no second look.
        limits: How many scans confirm a plan, and how far apart.

    Returns:
        How often the plan was found. A plan that deletes every file is counted, and never
        confirmed.
    """
    wanted = None if plan.deletes_everything else limits.confirm_after_scans or None
    now = datetime.now(UTC)
    is_job = strm_deletion_plans.c.job == job
    with ledger.write() as connection:
        known = connection.execute(select(strm_deletion_plans).where(is_job)).one_or_none()
        if not plan.is_whole:
            _withdraw(connection, job, "the listing was not whole")
            return Confirmation(0, wanted)
        if known is None or known.plan_id != plan.plan_id:
            _withdraw(connection, job, "the scan gave another plan")
            connection.execute(
                insert(strm_deletion_plans).values(
                    job=job,
                    plan_id=plan.plan_id,
                    scans=1,
                    first_listed_at=listed_at,
                    counted_at=now,
                )
            )
            _append(connection, job, PlanState.WAITING, plan, scans=1)
            return Confirmation(1, wanted)
        if listed_at - known.counted_at < timedelta(hours=limits.confirm_interval_hours):
            return Confirmation(known.scans, wanted)
        scans = known.scans + 1
        connection.execute(
            update(strm_deletion_plans).where(is_job).values(scans=scans, counted_at=now)
        )
        _append(connection, job, PlanState.WAITING, plan, scans=scans)
        return Confirmation(scans, wanted)


def withdraw_plan(ledger: Ledger, job: str) -> None:
    """Forget the plan of a job: the last scan gave none that has to wait.

    Args:
        ledger: The ledger.
        job: The job's name.
    """
    is_job = strm_deletion_plans.c.job == job
    with ledger.read() as connection:
        if connection.execute(select(strm_deletion_plans.c.job).where(is_job)).first() is None:
            return
    with ledger.write() as connection:
        _withdraw(connection, job, "the scan gave no plan that has to wait")


def release_plan(ledger: Ledger, job: str, plan: DeletionPlan, state: PlanState) -> None:
    """Write down, before anything is deleted, that a plan is carried out, and on whose word.

    Args:
        ledger: The ledger.
        job: The job's name.
        plan: The plan.
        state: Whether time confirmed it or a user approved it.
    """
    with ledger.write() as connection:
        is_job = strm_deletion_plans.c.job == job
        scans = connection.execute(select(strm_deletion_plans.c.scans).where(is_job)).scalar()
        connection.execute(delete(strm_deletion_plans).where(is_job))
        _append(connection, job, state, plan, scans=scans or 0)


def _withdraw(connection: Connection, job: str, reason: str) -> None:
    is_job = strm_deletion_plans.c.job == job
    known = connection.execute(select(strm_deletion_plans).where(is_job)).one_or_none()
    if known is None:
        return
    connection.execute(delete(strm_deletion_plans).where(is_job))
    detail = {"plan_id": known.plan_id, "scans": known.scans, "reason": reason}
    event = Event(ENTITY, job, PlanState.WITHDRAWN, PlanState.WAITING, detail=detail)
    append_events(connection, [event])


def _append(
    connection: Connection, job: str, state: PlanState, plan: DeletionPlan, *, scans: int
) -> None:
    detail = {
        "plan_id": plan.plan_id,
        "files": len(plan.held),
        "owned": plan.owned,
        "reason": plan.refusal,
        "scans": scans,
    }
    append_events(connection, [Event(ENTITY, job, state, detail=detail)])
