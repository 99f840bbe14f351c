"""The append-only history: one row for every change of state, in the order of commit.

The database refuses to change or delete these rows. Readers resume after the last id they saw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from sync_assets.ledger.schema import events
from sync_assets.ledger.types import utc_now


@dataclass(frozen=True)
class Event:
    """One change to append.

    Attributes:
        entity: The term for what changed, such as `inbox_event`.
        entity_id: Which one.
        state: The state after the change; None where the entity has no states.
        previous_state: The state before; None for a new entity.
        run_id: The Dagster run that did it.
        detail: Further facts, JSON-serialisable, never secret.
        owner: The user whose matter it is; None where it is everybody's.
    """

    entity: str
    entity_id: str
    state: str | None = None
    previous_state: str | None = None
    run_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    owner: str | None = None


@dataclass(frozen=True)
class RecordedEvent:
    """One row of the history; `Event` describes the other attributes.

    Attributes:
        id: Its place in the order of commit.
        recorded_at: When it was appended, UTC.
    """

    id: int
    recorded_at: datetime
    entity: str
    entity_id: str
    state: str | None
    previous_state: str | None
    run_id: str | None
    detail: Mapping[str, Any]
    owner: str | None


def append_events(connection: Connection, new: Sequence[Event]) -> None:
    """Append to the history, in the caller's transaction.

    Args:
        connection: A writing transaction of the ledger.
        new: What happened, in order.
    """
    if not new:
        return
    now = utc_now()
    connection.execute(
        insert(events),
        [
            {
                "recorded_at": now,
                "entity": event.entity,
                "entity_id": event.entity_id,
                "state": event.state,
                "previous_state": event.previous_state,
                "run_id": event.run_id,
                "detail": dict(event.detail),
                "owner": event.owner,
            }
            for event in new
        ],
    )


def read_events(
    connection: Connection,
    *,
    after: int = 0,
    limit: int = 1_000,
    entity: str | None = None,
    entity_id: str | None = None,
) -> list[RecordedEvent]:
    """Read the history from a point on, oldest first.

    Args:
        connection: A transaction of the ledger.
        after: The last id that the caller has; 0 for the beginning.
        limit: The most rows to return.
        entity: Only this kind of entity.
        entity_id: Only this one.

    Returns:
        The rows, in the order of commit.
    """
    query = select(events).where(events.c.id > after).order_by(events.c.id).limit(limit)
    if entity is not None:
        query = query.where(events.c.entity == entity)
    if entity_id is not None:
        query = query.where(events.c.entity_id == entity_id)
    return [RecordedEvent(**row) for row in connection.execute(query).mappings()]


def last_event_id(connection: Connection) -> int:
    """Return the newest id of the history, or 0 where it is empty."""
    query = select(events.c.id).order_by(events.c.id.desc()).limit(1)
    return connection.execute(query).scalar() or 0
