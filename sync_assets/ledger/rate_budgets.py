"""Rate budgets: how often an upstream may be asked, shared by all processes.

One budget per upstream and account. The rule is the generic cell rate algorithm (ITU-T I.371): a
budget remembers only when its next request is due, so that one row is the whole state, and a
restart forgets nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.errors import SyncError
from sync_assets.ledger.engine import Ledger
from sync_assets.ledger.schema import rate_budgets

_LONGEST_RESERVATION_SECONDS = 600.0
"""How far others, who wait longer or reserve more at once, may have reserved ahead."""


class RateBudgetExhaustedError(SyncError):
    """The budget is so far overdrawn that waiting for it makes no sense."""


@dataclass(frozen=True)
class RateLimit:
    """What an upstream allows.

    Attributes:
        name: The upstream and account, such as `bangumi:alice`.
        permits: Requests per period.
        period_seconds: Length of the period.
        burst: How many may start at once after a pause.
    """

    name: str
    permits: int
    period_seconds: float
    burst: int = 1

    @property
    def interval_seconds(self) -> float:
        """The mean time between two requests."""
        return self.period_seconds / self.permits


@dataclass(frozen=True)
class BudgetUse:
    """What became of a budget so far.

    Attributes:
        name: The budget.
        used: Requests that were reserved.
        blocked_until: When the upstream takes requests again, seconds since the epoch.
    """

    name: str
    used: int
    blocked_until: float


def read_budgets(connection: Connection) -> list[BudgetUse]:
    """Return the use of every budget, by name.

    Args:
        connection: A transaction of the ledger.
    """
    query = select(rate_budgets.c.name, rate_budgets.c.used, rate_budgets.c.blocked_until).order_by(
        rate_budgets.c.name
    )
    return [BudgetUse(*row) for row in connection.execute(query)]


def reserve(
    ledger: Ledger,
    limit: RateLimit,
    *,
    count: int = 1,
    maximum_wait_seconds: float | None = None,
    clock: Callable[[], float] = time.time,
) -> float:
    """Reserve requests; the caller sleeps, then sends them.

    Args:
        ledger: The ledger that holds the budget.
        limit: What the upstream allows.
        count: How many requests to reserve at once.
        maximum_wait_seconds: The longest wait that is acceptable; without it, one period.
        clock: Seconds since the epoch.

    Returns:
        Seconds to wait before the first of them.

    Raises:
        RateBudgetExhaustedError: The wait would be longer than acceptable; nothing is reserved.
    """
    maximum_wait = limit.period_seconds if maximum_wait_seconds is None else maximum_wait_seconds
    with ledger.write() as connection:
        now = clock()
        next_free_at, blocked_until, used = _locked(connection, limit.name)
        horizon = max(2 * limit.period_seconds, 2 * maximum_wait, _LONGEST_RESERVATION_SECONDS)
        if next_free_at > now + horizon:
            # No reservation reaches that far: somebody set the clock back.
            next_free_at = now + limit.period_seconds
        tolerance = (limit.burst - 1) * limit.interval_seconds
        wait = max(0.0, next_free_at - tolerance - now, blocked_until - now)
        if wait > maximum_wait:
            raise RateBudgetExhaustedError(
                f"The rate budget {limit.name!r} is free again in {wait:.0f} s.",
                remedy="Nothing to do: the next run continues where this one stopped.",
            )
        started_at = max(next_free_at, now, blocked_until)
        connection.execute(
            rate_budgets.update()
            .where(rate_budgets.c.name == limit.name)
            .values(next_free_at=started_at + count * limit.interval_seconds, used=used + count)
        )
    return wait


def block(
    ledger: Ledger, name: str, seconds: float, *, clock: Callable[[], float] = time.time
) -> None:
    """Stop all requests of a budget for a time: the upstream said `Retry-After`, or banned us.

    Args:
        ledger: The ledger that holds the budget.
        name: The budget.
        seconds: How long. A block that already lasts longer stays.
        clock: Seconds since the epoch.
    """
    with ledger.write() as connection:
        _, blocked_until, _ = _locked(connection, name)
        connection.execute(
            rate_budgets.update()
            .where(rate_budgets.c.name == name)
            .values(blocked_until=max(blocked_until, clock() + seconds))
        )


def _locked(connection: Connection, name: str) -> tuple[float, float, int]:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(rate_budgets)
        .values(name=name, next_free_at=0.0, blocked_until=0.0, used=0)
        .on_conflict_do_nothing(index_elements=["name"])
    )
    row = connection.execute(
        select(rate_budgets).where(rate_budgets.c.name == name).with_for_update()
    ).one()
    return row.next_free_at, row.blocked_until, row.used
