"""What the ledger knows of each account: how far its listings and passes have come."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.schema import pixiv_accounts
from sync_assets.ledger.types import utc_now

_FIRST_REFUSAL_SECONDS = 300.0
_LONGEST_REFUSAL_SECONDS = 6 * 3_600.0
_LONGEST_JITTER = 1.2


@dataclass(frozen=True)
class AccountState:
    """How far an account has come.

    Attributes:
        user_id: The Pixiv user that the other attributes are about.
        listed_at: When a list pass last succeeded.
        full_listing_at: When the whole list was last read to its end.
        full_pass_completed_at: When each bookmark of a whole list had been tried; None until the
            first pass is complete, however often it was interrupted.
        not_before: Until when Pixiv wants to be left alone.
        refusals: How often in a row it said so.
    """

    account: str
    user_id: int
    listed_at: datetime | None = None
    full_listing_at: datetime | None = None
    full_pass_completed_at: datetime | None = None
    not_before: datetime | None = None
    refusals: int = 0


def read_account(connection: Connection, account: str, user_id: int) -> AccountState:
    """Return how far an account has come; nothing counts that another user's list gave.

    Args:
        connection: A transaction of the ledger.
        account: The account's name.
        user_id: The Pixiv user that it names now.
    """
    query = select(pixiv_accounts).where(pixiv_accounts.c.account == account)
    row = connection.execute(query).mappings().one_or_none()
    if row is None or row["user_id"] != user_id:
        return AccountState(account, user_id)
    return AccountState(**row)


def read_accounts(connection: Connection) -> dict[str, AccountState]:
    """Return how far all accounts have come, by name."""
    rows = connection.execute(select(pixiv_accounts)).mappings()
    return {row["account"]: AccountState(**row) for row in rows}


def record_listing(
    connection: Connection, account: str, user_id: int, *, is_full: bool, run_id: str | None
) -> None:
    """Record that a list pass succeeded.

    Args:
        connection: A writing transaction of the ledger.
        account: The account's name.
        user_id: The Pixiv user.
        is_full: Whether the whole list was read.
        run_id: The Dagster run.
    """
    now = utc_now()
    _ensure(connection, account, user_id)
    changes = {"listed_at": now}
    if is_full:
        changes["full_listing_at"] = now
        append_events(connection, [Event("pixiv_account", account, "listed", run_id=run_id)])
    _update(connection, account, **changes)


def record_acceptance(connection: Connection, account: str) -> None:
    """Record that Pixiv answered a whole round, which ends any pause that it wanted.

    The two requests of a quiet list pass prove nothing: many downloads may be limited still.

    Args:
        connection: A writing transaction of the ledger.
        account: The account's name.
    """
    _update(connection, account, not_before=None, refusals=0)


def is_paused(state: AccountState) -> bool:
    """Tell whether Pixiv wants to be left alone now.

    Args:
        state: The account's state.
    """
    if state.not_before is None:
        return False
    left = (state.not_before - utc_now()).total_seconds()
    # No pause is longer: the clock was wrong when this one was written.
    return 0 < left <= _LONGEST_JITTER * _LONGEST_REFUSAL_SECONDS


def record_full_pass(connection: Connection, account: str, *, run_id: str | None) -> None:
    """Record that every bookmark of a whole list has been tried."""
    append_events(connection, [Event("pixiv_account", account, "full_pass", run_id=run_id)])
    _update(connection, account, full_pass_completed_at=utc_now())


def restart_full_pass(connection: Connection, account: str, *, run_id: str | None) -> None:
    """Forget that the full pass was complete: gallery-dl's archive is gone."""
    append_events(connection, [Event("pixiv_account", account, "restarted", run_id=run_id)])
    _update(connection, account, full_pass_completed_at=None, full_listing_at=None)


def record_refusal(connection: Connection, account: str, user_id: int) -> datetime:
    """Record that Pixiv limits the account, and leave it alone for a while.

    Returns:
        Until when: longer after each refusal in a row.
    """
    _ensure(connection, account, user_id)
    refusals = read_account(connection, account, user_id).refusals + 1
    seconds = min(_FIRST_REFUSAL_SECONDS * 2 ** min(refusals - 1, 16), _LONGEST_REFUSAL_SECONDS)
    until = utc_now() + timedelta(seconds=seconds * random.uniform(1, _LONGEST_JITTER))  # noqa: S311
    _update(connection, account, not_before=until, refusals=refusals)
    return until


def _ensure(connection: Connection, account: str, user_id: int) -> None:
    if read_account(connection, account, user_id) != AccountState(account, user_id):
        return
    connection.execute(delete(pixiv_accounts).where(pixiv_accounts.c.account == account))
    connection.execute(insert(pixiv_accounts).values(account=account, user_id=user_id))


def _update(connection: Connection, account: str, **changes: object) -> None:
    connection.execute(
        update(pixiv_accounts).where(pixiv_accounts.c.account == account).values(**changes)
    )
