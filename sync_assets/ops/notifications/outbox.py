"""What waits to be told: written with the work it is about, sent by somebody else."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from sync_assets.ledger import Ledger, LedgerUnavailableError
from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import notifications
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.settings.notifications import NotificationKind

LONGEST_TITLE = 200
LONGEST_TEXT = 2_000

_log = logging.getLogger(__name__)


class NotificationState(StrEnum):
    """How far a notification is. `withdrawn`: not worth telling any more, or not wanted."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    WITHDRAWN = "withdrawn"


NOTIFICATIONS = Lifecycle(
    "notification",
    states=NotificationState,
    initial=[NotificationState.WAITING],
    transitions={
        NotificationState.WAITING: [NotificationState.DELIVERED, NotificationState.WITHDRAWN]
    },
)
NOTIFICATIONS.bind(notifications)


@dataclass(frozen=True)
class Notification:
    """A notification.

    Attributes:
        id: Its row.
        kind: What it is about.
        key: What identifies it: it is told once, a trouble once until it is over.
        is_recovery: Whether it says that a trouble is over.
        title: One line.
        text: More, as plain text.
        state: How far it is.
        created_at: When it happened, UTC.
        changed_at: When its state changed, UTC.
        attempts: How often it was tried to tell.
        tried_at: When it was tried last, UTC.
    """

    id: int
    kind: NotificationKind
    key: str
    is_recovery: bool
    title: str
    text: str
    state: NotificationState
    created_at: datetime
    changed_at: datetime
    attempts: int
    tried_at: datetime | None


def notify(ledger: Ledger, kind: NotificationKind, key: str, title: str, text: str = "") -> None:
    """Tell the user something, once for each key. Never raises: the work itself goes on.

    Args:
        ledger: Where it waits to be sent.
        kind: What it is about; the user chooses which kinds to hear of.
        key: What identifies it, such as `review/alice/<run>`; a second time nothing happens.
        title: One line. Never secret.
        text: More, as plain text. Never secret.
    """
    try:
        with ledger.write() as connection:
            if _last(connection, f"{kind}/{key}") is None:
                _put(connection, kind, f"{kind}/{key}", title, text)
    except LedgerUnavailableError as error:
        _log.warning("not told: %s (%s)", title, error.message)


def begin_trouble(
    connection: Connection, kind: NotificationKind, key: str, title: str, text: str
) -> None:
    """Tell that something is wrong; nothing happens where that was told and still holds.

    Args:
        connection: A writing transaction of the ledger.
        kind: What it is about.
        key: What identifies the trouble.
        title: One line.
        text: More, as plain text.
    """
    key = f"{kind}/{key}"
    if not _is_open(_last(connection, key)):
        _put(connection, kind, key, title, text)


def end_trouble(connection: Connection, trouble: Notification, title: str) -> None:
    """Tell that a trouble is over; one that was not told of yet is not mentioned at all.

    Args:
        connection: A writing transaction of the ledger.
        trouble: One of `open_troubles`.
        title: One line.
    """
    if trouble.state is NotificationState.WAITING:
        NOTIFICATIONS.transition(connection, trouble.id, NotificationState.WITHDRAWN)
    else:
        _put(connection, trouble.kind, trouble.key, title, "", is_recovery=True)


def open_troubles(connection: Connection) -> list[Notification]:
    """Return what went wrong and is not over, as far as was told or waits to be.

    Args:
        connection: A transaction of the ledger.
    """
    newest = select(func.max(notifications.c.id)).group_by(notifications.c.key)
    query = select(notifications).where(
        notifications.c.id.in_(newest),
        notifications.c.kind.in_([kind for kind in NotificationKind if kind.is_trouble]),
    )
    return [_notification(row) for row in connection.execute(query) if _is_open(row)]


def read_waiting(connection: Connection) -> list[Notification]:
    """Return what waits to be told, oldest first.

    Args:
        connection: A transaction of the ledger.
    """
    query = (
        select(notifications)
        .where(notifications.c.state == NotificationState.WAITING)
        .order_by(notifications.c.id)
    )
    return [_notification(row) for row in connection.execute(query)]


def last_delivery(connection: Connection) -> datetime | None:
    """Return when something was told last, UTC; None where nothing was.

    Args:
        connection: A transaction of the ledger.
    """
    query = (
        select(notifications.c.changed_at)
        .where(notifications.c.state == NotificationState.DELIVERED)
        .order_by(notifications.c.changed_at.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def settle(connection: Connection, told: Iterable[Notification], state: NotificationState) -> None:
    """Write down what became of notifications that waited.

    Args:
        connection: A writing transaction of the ledger.
        told: The notifications.
        state: Delivered or withdrawn.
    """
    NOTIFICATIONS.transition_all(connection, [each.id for each in told], state)


def count_attempt(connection: Connection, tried: Sequence[Notification]) -> None:
    """Remember that notifications could not be told now.

    Args:
        connection: A writing transaction of the ledger.
        tried: The notifications.
    """
    connection.execute(
        update(notifications)
        .where(notifications.c.id.in_([each.id for each in tried]))
        .values(attempts=notifications.c.attempts + 1, tried_at=utc_now())
    )


def remove_told(connection: Connection, before: datetime) -> int:
    """Remove old notifications that were told or withdrawn; what still is wrong stays known.

    Args:
        connection: A writing transaction of the ledger.
        before: Those whose state changed last before it are old.

    Returns:
        How many were removed.
    """
    still_wrong = [trouble.id for trouble in open_troubles(connection)]
    result = connection.execute(
        delete(notifications).where(
            notifications.c.state != NotificationState.WAITING,
            notifications.c.changed_at < before,
            notifications.c.id.not_in(still_wrong),
        )
    )
    return result.rowcount


def _last(connection: Connection, key: str) -> AnyRow | None:
    query = (
        select(notifications)
        .where(notifications.c.key == key)
        .order_by(notifications.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).one_or_none()


def _is_open(row: AnyRow | None) -> bool:
    return row is not None and not row.is_recovery and row.state != NotificationState.WITHDRAWN


def _put(  # noqa: PLR0913 - the columns of a row
    connection: Connection,
    kind: NotificationKind,
    key: str,
    title: str,
    text: str,
    *,
    is_recovery: bool = False,
) -> None:
    row: dict[str, Any] = {
        "kind": kind,
        "key": key,
        "is_recovery": is_recovery,
        "title": _shortened(" ".join(title.split()), LONGEST_TITLE),
        "text": _shortened(text.strip(), LONGEST_TEXT),
        "created_at": utc_now(),
    }
    NOTIFICATIONS.create(connection, [row])


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _notification(row: AnyRow) -> Notification:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    values["kind"] = NotificationKind(values["kind"])
    values["state"] = NotificationState(values["state"])
    return Notification(**values)
