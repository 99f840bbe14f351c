"""Tell what waits: all of it in one message, not too often, again where nobody took it.

A message counts as told when one address took it; a crash right after that tells it twice.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import SecretStr

from sync_assets.ledger import Ledger
from sync_assets.ledger.types import utc_now
from sync_assets.logs import redactor
from sync_assets.ops.notifications.outbox import (
    Notification,
    NotificationState,
    count_attempt,
    last_delivery,
    read_waiting,
    settle,
)
from sync_assets.ops.notifications.services import Message, MessageKind, send
from sync_assets.settings import Settings

LASTS = timedelta(days=7)
"""What could not be told for so long is told no more."""

_SHOWN = 20
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)

_log = logging.getLogger(__name__)

Send = Callable[[Sequence[SecretStr], Message], Mapping[int, str]]


def deliver(
    ledger: Ledger,
    settings: Settings,
    *,
    send: Send = send,
    clock: Callable[[], datetime] = utc_now,
) -> int:
    """Send what waits, where it is time to.

    Args:
        ledger: Holds what waits.
        settings: Where it goes, and which kinds do.
        send: Sends a message, and returns what is wrong by the address's number.
        clock: The current time, aware.

    Returns:
        How many notifications were told.
    """
    wanted = _wanted(ledger, settings, clock())
    with ledger.read() as connection:
        last = last_delivery(connection)
    if not wanted or not _is_time(wanted, last, settings, clock()):
        return 0
    problems = send(settings.notifications.urls, _message(wanted, redactor(settings)))
    for number, problem in problems.items():
        _log.warning("notifications.urls: address %d %s", number, problem)
    is_told = len(problems) < len(settings.notifications.urls)
    with ledger.write() as connection:
        if is_told:
            settle(connection, wanted, NotificationState.DELIVERED)
        else:
            count_attempt(connection, wanted)
    return len(wanted) if is_told else 0


def _wanted(ledger: Ledger, settings: Settings, now: datetime) -> list[Notification]:
    """Return what is to be told; withdraw what is not wanted, or too old."""
    with ledger.read() as connection:
        waiting = read_waiting(connection)
    wanted = [
        each
        for each in waiting
        if each.kind in settings.notifications.kinds and each.created_at > now - LASTS
    ]
    unwanted = [each for each in waiting if each not in wanted]
    if unwanted:
        with ledger.write() as connection:
            settle(connection, unwanted, NotificationState.WITHDRAWN)
    return wanted


def _is_time(
    wanted: Sequence[Notification], last: datetime | None, settings: Settings, now: datetime
) -> bool:
    interval = timedelta(seconds=settings.notifications.minimum_interval_seconds)
    if last is not None and now < last + interval:
        return False
    return all(each.tried_at is None or now >= each.tried_at + _pause(each) for each in wanted)


def _pause(tried: Notification) -> timedelta:
    """Return how long to wait after an attempt: longer each time."""
    return min(_FIRST_PAUSE * 2 ** min(tried.attempts, 16), _LONGEST_PAUSE)


def _message(wanted: Sequence[Notification], redact: Callable[[str], str]) -> Message:
    parts = [f"{each.title}\n{each.text}".rstrip() for each in wanted[:_SHOWN]]
    hidden = len(wanted) - len(parts)
    more = [f"… and {hidden} more; /health tells how everything is."] if hidden else []
    is_single = len(wanted) == 1
    title = wanted[0].title if is_single else f"sync_assets: {len(wanted)} notifications"
    text = wanted[0].text if is_single else "\n\n".join([*parts, *more])
    return Message(_kind(wanted), redact(title), redact(text))


def _kind(wanted: Sequence[Notification]) -> MessageKind:
    if all(each.is_recovery for each in wanted):
        return MessageKind.SUCCESS
    is_trouble = any(each.kind.is_trouble and not each.is_recovery for each in wanted)
    return MessageKind.FAILURE if is_trouble else MessageKind.INFORMATION
