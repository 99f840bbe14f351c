"""How much events may delete in a day: as much as one full run, however many runs it takes.

Events come in small batches, each of which may be within a run's limits while all of them together
empty a library. What is beyond the budget stays, and the next full scan finds it again.
"""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection, delete, func, insert, select

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.schema import strm_event_deletions
from sync_assets.ledger.types import utc_now
from sync_assets.settings.strm_deletion import DeletionSettings
from sync_assets.strm.deleting.limits import refusal_of
from sync_assets.strm.models import DeletionPlan, FileKind

BUDGET_HOURS = 24
ENTITY = "strm_event_deletion"
"""The term for a deletion by events in the ledger's history; its id is the job's name."""


def spend_budget(
    ledger: Ledger, job: str, plan: DeletionPlan, limits: DeletionSettings
) -> str | None:
    """Take a deletion from a job's budget, before it is carried out.

    A run that dies before it deletes has spent it all the same: the next full scan makes up.

    Args:
        ledger: The ledger.
        job: The job's name.
        plan: What events found to be gone.
        limits: The limits of a full run.

    Returns:
        Why all the files must be left to the next full scan; None where those that the plan does
        not hold back may be deleted.
    """
    if not plan.orphans:
        return None
    now = utc_now()
    since = now - timedelta(hours=BUDGET_HOURS)
    columns = strm_event_deletions.c
    with ledger.write() as connection:
        connection.execute(
            delete(strm_event_deletions).where(columns.job == job, columns.deleted_at <= since)
        )
        spent = _spent(connection, job)
        refusal = _refusal(spent, plan, limits) if plan.free else plan.refusal
        detail = {
            "free": len(plan.free),
            "held": len(plan.held),
            "spent": sum(spent.values()),
            "plan_id": plan.plan_id,
            "reason": refusal or plan.refusal,
        }
        if refusal is None:
            rows = [
                {"job": job, "deleted_at": now, "kind": kind, "files": files}
                for kind, files in plan.free_counts.items()
            ]
            connection.execute(insert(strm_event_deletions), rows)
        state = "deleting" if refusal is None else "left to the next full scan"
        append_events(connection, [Event(ENTITY, job, state, detail=detail)])
    return refusal


def _spent(connection: Connection, job: str) -> dict[FileKind, int]:
    columns = strm_event_deletions.c
    query = (
        select(columns.kind, func.sum(columns.files))
        .where(columns.job == job)
        .group_by(columns.kind)
    )
    found = {kind: int(files) for kind, files in connection.execute(query)}
    return {kind: found.get(kind, 0) for kind in FileKind}


def _refusal(
    spent: Mapping[FileKind, int], plan: DeletionPlan, limits: DeletionSettings
) -> str | None:
    together = refusal_of(
        {kind: plan.free_counts[kind] + spent[kind] for kind in FileKind},
        {kind: plan.owned_by_kind[kind] + spent[kind] for kind in FileKind},
        limits,
    )
    if together is None:
        return None
    return (
        f"with the {sum(spent.values())} files that events deleted in the last {BUDGET_HOURS} h, "
        f"{together}"
    )
