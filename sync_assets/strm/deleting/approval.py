"""Whether a deletion plan may be carried out: within the limits, by approval, or confirmed by time.

The last word on every deletion of a full run; `confirmation` remembers the plans that wait.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.settings.strm_deletion import DeletionSettings
from sync_assets.strm.deleting.confirmation import (
    Confirmation,
    PlanState,
    count_scan,
    release_plan,
    withdraw_plan,
)
from sync_assets.strm.models import DeletionPlan

APPROVAL_JOB = "strm_approve_deletion"
"""The Dagster job that deletes nothing but the plan that it is given."""


class PlanChangedError(SyncError):
    """The plan that was approved is not the plan of the last listing."""


@dataclass(frozen=True)
class Verdict:
    """Whether a plan has to wait.

    Attributes:
        waits: Whether nothing may be deleted that the plan holds back.
        notes: Why, and what to do, for people.
    """

    waits: bool
    notes: Mapping[str, Any] = field(default_factory=dict)


def require_plan(plan: DeletionPlan, plan_id: str | None) -> None:
    """Make sure that a plan is the one that was approved.

    Args:
        plan: The plan of the last listing.
        plan_id: The one that was approved; None where none was named.

    Raises:
        PlanChangedError: It is another one, or there is nothing to delete any more.
    """
    if plan.orphans and plan.plan_id == plan_id:
        return
    remedy = "Look at the check deletion_is_safe; approve the plan that it names, if any."
    if plan_id is None:
        raise PlanChangedError(
            "No deletion plan was named. Nothing was deleted.",
            remedy=f"Give its id as approved_plan. {remedy}",
        )
    now = (
        f"it is {plan.plan_id} now, with {len(plan.orphans)} files"
        if plan.orphans
        else "nothing is to be deleted now"
    )
    raise PlanChangedError(
        f"The deletion plan {plan_id} is not what the last listing gives: {now}. Nothing was "
        "deleted.",
        remedy=remedy,
    )


def preview(plan: DeletionPlan, *, approved_plan: str | None) -> Verdict:
    """Say what would be decided, without counting anything.

    Args:
        plan: The plan.
        approved_plan: The id that a user has approved.
    """
    return Verdict(waits=plan.refusal is not None and approved_plan != plan.plan_id)


def decide(  # noqa: PLR0913 - the optional ones are named
    ledger: Ledger,
    job: str,
    plan: DeletionPlan,
    *,
    listed_at: datetime,
    limits: DeletionSettings,
    approved_plan: str | None,
) -> Verdict:
    """Decide whether a full run may carry out its plan, and write the decision down.

    Args:
        ledger: The ledger.
        job: The job's name.
        plan: The plan of the last listing.
        listed_at: When that listing's scan began, UTC.
        limits: The job's limits.
        approved_plan: The id that a user has approved.
    """
    if plan.refusal is None:
        withdraw_plan(ledger, job)
        return Verdict(waits=False)
    if approved_plan == plan.plan_id:
        release_plan(ledger, job, plan, PlanState.APPROVED)
        return Verdict(waits=False)
    confirmation = count_scan(ledger, job, plan, listed_at=listed_at, limits=limits)
    if confirmation.is_given:
        release_plan(ledger, job, plan, PlanState.CONFIRMED)
        note = f"{confirmation.scans} whole scans in a row gave the plan {plan.plan_id}."
        return Verdict(waits=False, notes={"confirmed": note})
    return Verdict(waits=True, notes=_waiting_notes(job, plan, confirmation))


def _waiting_notes(job: str, plan: DeletionPlan, confirmation: Confirmation) -> dict[str, Any]:
    return {
        "waiting_for_approval": f"{len(plan.held)} files are not deleted: {plan.refusal}. To "
        f"approve exactly this deletion, launch the job {APPROVAL_JOB} for {job} with the "
        f"configuration approved_plan: {plan.plan_id}. {_outlook(confirmation)}",
        "plan_id": plan.plan_id,
        "confirming_scans": confirmation.scans,
    }


def _outlook(confirmation: Confirmation) -> str:
    if confirmation.wanted is None:
        return "It is never carried out without."
    return (
        f"Without it, {confirmation.wanted} whole scans in a row have to find the same; "
        f"{confirmation.scans} did so far."
    )
