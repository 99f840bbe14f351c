"""The works of each account in the ledger: which are wanted, complete, or cannot be had.

Holds the only functions that write to `pixiv_works`.
"""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, func, or_, select, update

from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import pixiv_works
from sync_assets.ledger.types import utc_now
from sync_assets.pixiv.models import WorkState

FIRST_RETRY_SECONDS = 600.0
LONGEST_RETRY_SECONDS = 86_400.0
_IDS_PER_QUERY = 500

WORKS = Lifecycle(
    "pixiv_work",
    states=WorkState,
    initial={WorkState.WANTED, WorkState.UNAVAILABLE, WorkState.UNWANTED},
    transitions={
        WorkState.WANTED: {
            WorkState.COMPLETE,
            WorkState.FAILED,
            WorkState.UNAVAILABLE,
            WorkState.UNWANTED,
        },
        WorkState.COMPLETE: {WorkState.WANTED},
        WorkState.FAILED: {
            WorkState.WANTED,
            WorkState.COMPLETE,
            WorkState.UNAVAILABLE,
            WorkState.UNWANTED,
        },
        WorkState.UNAVAILABLE: {WorkState.WANTED, WorkState.UNWANTED},
        WorkState.UNWANTED: {WorkState.WANTED, WorkState.UNAVAILABLE},
    },
)
WORKS.bind(pixiv_works)


@dataclass(frozen=True)
class Work:
    """A work of an account.

    Attributes:
        type: illust, manga or ugoira.
        version: When its newest file was uploaded, as far as known.
        details: Title, author and so on, for posts.
        frames: An ugoira's frames with their delays; None where not known.
        attempts: How often it was tried since it was last complete.
        not_before: When it may be tried again.
        announced_at: When its files were queued for Telegram.
    """

    id: int
    account: str
    work_id: int
    state: WorkState
    changed_at: datetime
    type: str
    page_count: int
    version: str
    details: Mapping[str, Any]
    frames: Sequence[Mapping[str, Any]] | None
    attempts: int
    not_before: datetime | None
    failure_reason: str | None
    announced_at: datetime | None

    @property
    def is_ugoira(self) -> bool:
        """Whether its one file is the zip of an animation."""
        return self.type == "ugoira"


def read_works(
    connection: Connection,
    account: str,
    *,
    states: Collection[WorkState] | None = None,
    work_ids: Collection[int] | None = None,
) -> dict[int, Work]:
    """Return works by their Pixiv id.

    Args:
        connection: A transaction of the ledger.
        account: The account's name.
        states: Only works in these.
        work_ids: Only these works.
    """
    query = select(pixiv_works).where(pixiv_works.c.account == account)
    if states is not None:
        query = query.where(pixiv_works.c.state.in_([str(state) for state in states]))
    if work_ids is None:
        rows = list(connection.execute(query).mappings())
    else:
        ids, rows = sorted(work_ids), []
        for start in range(0, len(ids), _IDS_PER_QUERY):
            some = pixiv_works.c.work_id.in_(ids[start : start + _IDS_PER_QUERY])
            rows += connection.execute(query.where(some)).mappings()
    works = [_work(row) for row in rows]
    return {work.work_id: work for work in works}


def _work(row: RowMapping) -> Work:
    values: dict[str, Any] = dict(row)
    values["state"] = WorkState(values["state"])
    return Work(**values)


def due_works(connection: Connection, account: str) -> dict[int, Work]:
    """Return the wanted works that may be tried now, by their Pixiv id."""
    now = utc_now()
    query = select(pixiv_works.c.work_id).where(
        pixiv_works.c.account == account,
        pixiv_works.c.state == WorkState.WANTED,
        or_(
            pixiv_works.c.not_before.is_(None),
            pixiv_works.c.not_before <= now,
            # No pause is so long: the clock was wrong when this one was written.
            pixiv_works.c.not_before > now + timedelta(seconds=LONGEST_RETRY_SECONDS),
        ),
    )
    return read_works(connection, account, work_ids=connection.execute(query).scalars().all())


def count_works(connection: Connection, account: str) -> dict[str, int]:
    """Return how many works are in each state."""
    query = (
        select(pixiv_works.c.state, func.count().label("works"))
        .where(pixiv_works.c.account == account)
        .group_by(pixiv_works.c.state)
    )
    return {row.state: row.works for row in connection.execute(query)}


def count_untried(connection: Connection, account: str) -> int:
    """Return how many wanted works were never tried."""
    query = (
        select(func.count())
        .select_from(pixiv_works)
        .where(
            pixiv_works.c.account == account,
            pixiv_works.c.state == WorkState.WANTED,
            pixiv_works.c.attempts == 0,
        )
    )
    return connection.execute(query).scalar_one()


def create_works(
    connection: Connection, rows: Iterable[Mapping[str, Any]], *, run_id: str | None
) -> None:
    """Enter works; one that is there already stays as it is."""
    WORKS.create(connection, list(rows), unique=("account", "work_id"), run_id=run_id)


def update_work(connection: Connection, work: Work, **changes: Any) -> None:
    """Change what is known of a work, without changing its state."""
    connection.execute(update(pixiv_works).where(pixiv_works.c.id == work.id).values(**changes))


def want(connection: Connection, work: Work, *, run_id: str | None, reason: str) -> None:
    """Put a work on the list of what is to be downloaded, with all its attempts before it."""
    WORKS.transition(
        connection,
        work.id,
        WorkState.WANTED,
        run_id=run_id,
        detail={"reason": reason},
        attempts=0,
        not_before=None,
        failure_reason=None,
    )


def set_aside(
    connection: Connection, work: Work, state: WorkState, *, run_id: str | None, reason: str
) -> None:
    """Take a work off the list of what is to be downloaded."""
    WORKS.transition(
        connection,
        work.id,
        state,
        run_id=run_id,
        detail={"reason": reason},
        failure_reason=reason,
        not_before=None,
    )


def complete(
    connection: Connection, versions: Iterable[tuple[Work, str]], *, run_id: str | None
) -> None:
    """Record that all files of works are there; what is new of them can be announced.

    Args:
        connection: A writing transaction of the ledger.
        versions: The works, each with the newest version of its files.
        run_id: The Dagster run.
    """
    completed = list(versions)
    for work, version in completed:
        if version > work.version:
            update_work(connection, work, version=version)
    WORKS.transition_all(
        connection,
        [work.id for work, _ in completed],
        WorkState.COMPLETE,
        run_id=run_id,
        attempts=0,
        not_before=None,
        failure_reason=None,
        announced_at=None,
    )


def fail_attempt(
    connection: Connection, work: Work, reason: str, *, maximum_attempts: int, run_id: str | None
) -> WorkState:
    """Record that an attempt did not complete a work, and when it is tried again.

    Args:
        connection: A writing transaction of the ledger.
        work: A wanted work.
        reason: What went wrong.
        maximum_attempts: After so many, only the next full pass tries again.
        run_id: The Dagster run.

    Returns:
        The state that the work is in now.
    """
    attempts = work.attempts + 1
    if attempts >= maximum_attempts:
        update_work(connection, work, attempts=attempts)
        set_aside(connection, work, WorkState.FAILED, run_id=run_id, reason=reason)
        return WorkState.FAILED
    seconds = min(FIRST_RETRY_SECONDS * 2 ** (attempts - 1), LONGEST_RETRY_SECONDS)
    pause = timedelta(seconds=seconds * random.uniform(0.8, 1))  # noqa: S311 - jitter
    # The first retry comes with the next round, whenever that is.
    not_before = None if attempts == 1 else utc_now() + pause
    update_work(connection, work, attempts=attempts, not_before=not_before, failure_reason=reason)
    return WorkState.WANTED


def mark_announced(connection: Connection, works: Iterable[Work]) -> None:
    """Record that the files of works are queued for Telegram."""
    ids = [work.id for work in works]
    for start in range(0, len(ids), _IDS_PER_QUERY):
        connection.execute(
            update(pixiv_works)
            .where(pixiv_works.c.id.in_(ids[start : start + _IDS_PER_QUERY]))
            .values(announced_at=utc_now())
        )


def unannounced_works(connection: Connection, account: str) -> dict[int, Work]:
    """Return the complete works whose files are not queued for Telegram, by their Pixiv id."""
    query = (
        select(pixiv_works.c.work_id)
        .where(
            pixiv_works.c.account == account,
            pixiv_works.c.state == WorkState.COMPLETE,
            pixiv_works.c.announced_at.is_(None),
        )
        .order_by(pixiv_works.c.id)
    )
    return read_works(connection, account, work_ids=connection.execute(query).scalars().all())


def last_unannounced(connection: Connection, account: str) -> str | None:
    """Return a mark of the works that wait for their posts; None where none waits.

    Args:
        connection: A transaction of the ledger.
        account: The account's name.

    Returns:
        A text that is another one when another work waits.
    """
    query = select(func.count(), func.max(pixiv_works.c.changed_at)).where(
        pixiv_works.c.account == account,
        pixiv_works.c.state == WorkState.COMPLETE,
        pixiv_works.c.announced_at.is_(None),
    )
    count, newest = connection.execute(query).one()
    return f"{count}:{newest:%Y%m%dT%H%M%S.%f}" if count else None
