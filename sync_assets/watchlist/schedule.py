"""When items are checked: each by its own clock. Like `items`, it writes to their table."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from sync_assets.ledger.schema import watchlist_items, watchlist_settings
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.watchlist.due import LONGEST_DELAY, next_check
from sync_assets.watchlist.items import set_columns
from sync_assets.watchlist.models import CheckOutcome, ItemState
from sync_assets.watchlist.user_settings import interval_hours

_GOOD = frozenset({CheckOutcome.OK, CheckOutcome.EMPTY})


def request_check(connection: Connection, item_id: int) -> AnyRow:
    """Let an item be due now.

    Args:
        connection: A writing transaction of the ledger.
        item_id: Which.

    Returns:
        The row after the change.
    """
    return set_columns(connection, item_id, next_check_at=utc_now())


def request_checks(connection: Connection, owner: str) -> int:
    """Let all items of a user be due now that are followed.

    Args:
        connection: A writing transaction of the ledger.
        owner: The user.

    Returns:
        How many.
    """
    columns = watchlist_items.c
    query = (
        select(columns.id)
        .outerjoin(watchlist_settings, watchlist_settings.c.owner == columns.owner)
        .where(columns.owner == owner, _is_followed())
    )
    item_ids = connection.execute(query).scalars().all()
    for item_id in item_ids:
        request_check(connection, item_id)
    return len(item_ids)


def checked(  # noqa: PLR0913 - all but three are named
    connection: Connection,
    item_id: int,
    outcome: CheckOutcome,
    *,
    error: str | None = None,
    provider_state: Mapping[str, Any] | None = None,
    retry_after_seconds: float | None = None,
) -> AnyRow | None:
    """Write that an item was checked, and when it is next.

    Args:
        connection: A writing transaction of the ledger.
        item_id: Which.
        outcome: What became of it.
        error: What went wrong, for people; never secret.
        provider_state: What to ask with next time; None keeps what there is.
        retry_after_seconds: How long the provider asks to be left alone.

    Returns:
        The row after the change; None where the item was deleted meanwhile.
    """
    row = connection.execute(
        select(watchlist_items).where(watchlist_items.c.id == item_id)
    ).one_or_none()
    if row is None:
        return None
    now = utc_now()
    failures = 0 if outcome in _GOOD else row.consecutive_errors + 1
    values: dict[str, Any] = {
        "last_checked_at": now,
        "next_check_at": next_check(
            now,
            interval_hours(connection, row),
            failures=failures,
            retry_after_seconds=retry_after_seconds,
        ),
        "last_outcome": str(outcome),
        "last_error": error,
        "consecutive_errors": failures,
    }
    if provider_state is not None:
        values["provider_state"] = dict(provider_state)
    return set_columns(connection, item_id, **values)


def due(connection: Connection, *, limit: int) -> Sequence[AnyRow]:
    """Return the items that are to be checked now, the longest overdue first.

    One whose last check lies in the future, or its next one further away than any check puts it,
    is due as well: the clock was wrong then.

    Args:
        connection: A transaction of the ledger.
        limit: The most items.
    """
    columns, now = watchlist_items.c, utc_now()
    query = (
        select(watchlist_items)
        .outerjoin(watchlist_settings, watchlist_settings.c.owner == columns.owner)
        .where(
            _is_followed(),
            or_(
                columns.next_check_at <= now,
                columns.next_check_at > now + LONGEST_DELAY,
                columns.last_checked_at > now,
            ),
        )
        .order_by(columns.next_check_at, columns.id)
        .limit(limit)
    )
    return connection.execute(query).all()


def next_due(connection: Connection, owner: str | None = None) -> datetime | None:
    """Return when the first item is due, which may be in the past; None where none ever is.

    Args:
        connection: A transaction of the ledger.
        owner: Only of this user's items; None for those of all.
    """
    query = (
        select(func.min(watchlist_items.c.next_check_at))
        .outerjoin(watchlist_settings, watchlist_settings.c.owner == watchlist_items.c.owner)
        .where(_is_followed())
    )
    if owner is not None:
        query = query.where(watchlist_items.c.owner == owner)
    return connection.execute(query).scalar()


def reschedule(connection: Connection, item: AnyRow) -> AnyRow:
    """Plan an item's next check anew, after its interval changed.

    Args:
        connection: A writing transaction of the ledger.
        item: The item's row.

    Returns:
        The row after the change.
    """
    if item.last_checked_at is None:
        return item
    interval = timedelta(hours=interval_hours(connection, item))
    return set_columns(connection, item.id, next_check_at=item.last_checked_at + interval)


def reschedule_all(connection: Connection, owner: str) -> None:
    """Plan a user's checks anew, after the interval of all items changed.

    Args:
        connection: A writing transaction of the ledger.
        owner: The user.
    """
    columns = watchlist_items.c
    query = select(watchlist_items).where(
        columns.owner == owner, columns.check_interval_hours.is_(None)
    )
    for row in connection.execute(query).all():
        reschedule(connection, row)


def _is_followed() -> ColumnElement[bool]:
    columns = watchlist_items.c
    return or_(
        columns.state == ItemState.ACTIVE,
        and_(columns.state == ItemState.COMPLETED, watchlist_settings.c.include_completed_anime),
    )
