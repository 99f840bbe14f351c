"""The log of checks: what each look for episodes found. The only functions that write to it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from sync_assets.ledger.schema import watchlist_checks
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.watchlist.models import CheckOutcome


@dataclass(frozen=True)
class CheckCounts:
    """What a check found.

    Attributes:
        found: Episodes that the provider lists.
        new: Those that were not known.
        queued: Downloads that were begun.
        errors: Releases and episodes that something went wrong with.
    """

    found: int = 0
    new: int = 0
    queued: int = 0
    errors: int = 0


def begin(connection: Connection, item_id: int, *, run_id: str | None = None) -> int:
    """Write that a check begins. The caller holds what keeps a second one of the item away.

    One that has not ended was killed; it is interrupted.

    Args:
        connection: A writing transaction of the ledger.
        item_id: The item.
        run_id: The Dagster run.

    Returns:
        The check's id.
    """
    columns = watchlist_checks.c
    connection.execute(
        update(watchlist_checks)
        .where(columns.item_id == item_id, columns.ended_at.is_(None))
        .values(ended_at=utc_now(), outcome=str(CheckOutcome.INTERRUPTED))
    )
    return connection.execute(
        insert(watchlist_checks)
        .values(item_id=item_id, run_id=run_id, started_at=utc_now())
        .returning(columns.id)
    ).scalar_one()


def end(
    connection: Connection,
    check_id: int,
    outcome: CheckOutcome,
    counts: CheckCounts,
    *,
    message: str | None = None,
) -> bool:
    """Write what became of a check.

    Args:
        connection: A writing transaction of the ledger.
        check_id: Which.
        outcome: What became of it.
        counts: What it found.
        message: What went wrong, for people; never secret.

    Returns:
        Whether it was still open: not where its item was deleted meanwhile.
    """
    columns = watchlist_checks.c
    return bool(
        connection.execute(
            update(watchlist_checks)
            .where(columns.id == check_id, columns.ended_at.is_(None))
            .values(ended_at=utc_now(), outcome=str(outcome), message=message, **asdict(counts))
        ).rowcount
    )


def of_item(connection: Connection, item_id: int, *, limit: int) -> Sequence[AnyRow]:
    """Return the newest checks of an item, the newest first.

    Args:
        connection: A transaction of the ledger.
        item_id: The item.
        limit: The most checks.
    """
    columns = watchlist_checks.c
    query = select(watchlist_checks).where(columns.item_id == item_id)
    return connection.execute(query.order_by(columns.id.desc()).limit(limit)).all()


def forget(connection: Connection, before: datetime) -> int:
    """Forget old checks.

    Args:
        connection: A writing transaction of the ledger.
        before: Those that ended before this moment.

    Returns:
        How many.
    """
    return connection.execute(
        delete(watchlist_checks).where(watchlist_checks.c.ended_at < before)
    ).rowcount
