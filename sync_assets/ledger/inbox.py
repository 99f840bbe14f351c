"""The inbox: what webhooks told us, until a run has dealt with it.

An event is stored before its sender gets an answer. Delivering the same event twice stores it
once: the pair of source and event id is unique.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, update

from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import inbox_events
from sync_assets.ledger.types import AnyRow, utc_now

UNPARSED = "unparsed"
"""The field of a payload that holds, as text, a body which could not be parsed."""


class InboxState(StrEnum):
    """How far an event is."""

    RECEIVED = "received"
    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"
    IGNORED = "ignored"


INBOX = Lifecycle(
    "inbox_event",
    states=InboxState,
    initial={InboxState.RECEIVED},
    transitions={
        InboxState.RECEIVED: {InboxState.CLAIMED, InboxState.IGNORED},
        InboxState.CLAIMED: {
            InboxState.RECEIVED,
            InboxState.DONE,
            InboxState.FAILED,
            InboxState.IGNORED,
        },
        InboxState.FAILED: {InboxState.RECEIVED, InboxState.IGNORED},
    },
)
INBOX.bind(inbox_events)


@dataclass(frozen=True)
class Delivery:
    """One event as its sender delivered it.

    Attributes:
        source: Who sent it, such as `generic`.
        event_id: The sender's id of the event, unique within the source.
        payload: The parsed body.
    """

    source: str
    event_id: str
    payload: Mapping[str, Any]


def store(connection: Connection, deliveries: Sequence[Delivery]) -> list[int | None]:
    """Store events.

    Args:
        connection: A writing transaction of the ledger.
        deliveries: The events, in the order of arrival.

    Returns:
        The id of each new event; None for one that was stored before.
    """
    now = utc_now()
    rows = [
        {
            "source": delivery.source,
            "event_id": delivery.event_id,
            "payload": dict(delivery.payload),
            "received_at": now,
        }
        for delivery in deliveries
    ]
    return INBOX.create(connection, rows, unique=("source", "event_id"))


def claim(
    connection: Connection, *sources: str, run_id: str | None, limit: int = 1_000
) -> list[AnyRow]:
    """Take the oldest waiting events of some sources, so that no other run takes them.

    Args:
        connection: A writing transaction of the ledger.
        *sources: Whose events.
        run_id: The Dagster run that takes them.
        limit: The most events to take.

    Returns:
        The events, oldest first, now claimed. One that was put back for later is left out until
        then.
    """
    waiting = (
        select(inbox_events.c.id)
        .where(*_waiting(sources))
        .order_by(inbox_events.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = connection.execute(waiting).scalars().all()
    INBOX.transition_all(
        connection,
        ids,
        InboxState.CLAIMED,
        run_id=run_id,
        claimed_by=run_id,
        attempts=inbox_events.c.attempts + 1,
    )
    claimed = select(inbox_events).where(inbox_events.c.id.in_(ids)).order_by(inbox_events.c.id)
    return list(connection.execute(claimed))


def put_back(
    connection: Connection,
    event_id: int,
    *,
    run_id: str | None,
    not_before: datetime | None = None,
    counts: bool = True,
) -> None:
    """Let a claimed event wait again.

    Args:
        connection: A writing transaction of the ledger.
        event_id: The event.
        run_id: The Dagster run that does it.
        not_before: When it may be claimed again; without it, at once.
        counts: Whether the attempt counts; one that could not even begin does not.
    """
    INBOX.transition(
        connection,
        event_id,
        InboxState.RECEIVED,
        run_id=run_id,
        not_before=not_before,
        attempts=inbox_events.c.attempts - (0 if counts else 1),
    )


def claimed_by_others(
    connection: Connection, *sources: str, run_id: str | None
) -> Sequence[AnyRow]:
    """Return the claimed events of some sources that another run holds, oldest first.

    Args:
        connection: A transaction of the ledger.
        *sources: Whose events.
        run_id: The run whose own claims are left out.
    """
    query = (
        select(inbox_events)
        .where(
            inbox_events.c.state == InboxState.CLAIMED,
            inbox_events.c.source.in_(sources),
            inbox_events.c.claimed_by.is_distinct_from(run_id),
        )
        .order_by(inbox_events.c.id)
    )
    return connection.execute(query).all()


def wake(connection: Connection, *sources: str) -> None:
    """Let the events that were put back for later be claimed at once.

    Args:
        connection: A writing transaction of the ledger.
        *sources: Whose events.
    """
    connection.execute(
        update(inbox_events)
        .where(inbox_events.c.state == InboxState.RECEIVED, inbox_events.c.source.in_(sources))
        .values(not_before=None)
    )


@dataclass(frozen=True)
class Waiting:
    """The events that a run could claim now.

    Attributes:
        count: How many.
        newest_id: The newest one's id.
        changed_at: When the last of them arrived or was put back.
    """

    count: int
    newest_id: int
    changed_at: datetime


def waiting(connection: Connection, *sources: str) -> Waiting | None:
    """Describe the events of some sources that a run could claim now; None where there is none.

    Args:
        connection: A transaction of the ledger.
        *sources: Whose events.
    """
    columns = inbox_events.c
    query = select(func.count(), func.max(columns.id), func.max(columns.changed_at)).where(
        *_waiting(sources)
    )
    count, newest_id, changed_at = connection.execute(query).one()
    return Waiting(count, newest_id, changed_at) if count else None


def has_claimed(connection: Connection, run_id: str) -> bool:
    """Tell whether a run has claimed any event, dealt with or not.

    Args:
        connection: A transaction of the ledger.
        run_id: The Dagster run.
    """
    query = select(inbox_events.c.id).where(inbox_events.c.claimed_by == run_id).limit(1)
    return connection.execute(query).first() is not None


def _waiting(sources: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        inbox_events.c.state == InboxState.RECEIVED,
        inbox_events.c.source.in_(sources),
        or_(inbox_events.c.not_before.is_(None), inbox_events.c.not_before <= utc_now()),
    )


def count_by_state(connection: Connection) -> dict[tuple[str, str], int]:
    """Count events.

    Args:
        connection: A transaction of the ledger.

    Returns:
        The number of events by source and state.
    """
    query = select(inbox_events.c.source, inbox_events.c.state, func.count()).group_by(
        inbox_events.c.source, inbox_events.c.state
    )
    return {(source, state): count for source, state, count in connection.execute(query)}


def remove_finished(connection: Connection, before: datetime) -> int:
    """Remove events that were dealt with; unfinished and failed ones stay.

    Args:
        connection: A writing transaction of the ledger.
        before: Only events that finished before this time.

    Returns:
        How many were removed.
    """
    finished = (InboxState.DONE, InboxState.IGNORED)
    statement = delete(inbox_events).where(
        inbox_events.c.state.in_(finished), inbox_events.c.changed_at < before
    )
    return connection.execute(statement).rowcount
