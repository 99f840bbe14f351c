"""Whose clock is up: when each item is to be checked. Pure; a wrong clock of the machine heals."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

_JITTER = 0.1
"""Of the interval: items that were added together are asked apart."""
_FIRST_RETRY = timedelta(hours=1)
_LAST_RETRY = timedelta(hours=24)
_SLACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """An item's clock.

    Attributes:
        interval_hours: How often it is checked, 1 to 168.
        next_check_at: When it is to be checked; None for at once.
        failures: How often in succession its provider could not be read.
    """

    interval_hours: int
    next_check_at: datetime | None = None
    failures: int = 0


def is_due(clock: Clock, now: datetime) -> bool:
    """Whether an item is to be checked.

    A time that no check can have set comes from a clock that was wrong, or from a longer interval
    than the present one: then it is due, and the check sets it right.

    Args:
        clock: The item's clock.
        now: The time.
    """
    at = clock.next_check_at
    return at is None or at <= now or at > now + _longest_delay(clock) + _SLACK


def next_check(
    clock: Clock, now: datetime, *, retry_after_seconds: float | None = None
) -> datetime:
    """Return when to check an item that was checked now.

    Args:
        clock: The item's clock, with the failures up to and with this check.
        now: The time.
        retry_after_seconds: How long the provider asks to be left alone.

    Returns:
        After the interval, give or take a tenth. Where its provider could not be read: after an
        hour, then two, four and so on up to a day, or the interval if that is longer; never before
        the provider wants it, as long as that is at most a day.
    """
    delay = timedelta(hours=clock.interval_hours)
    if clock.failures:
        doubled = _FIRST_RETRY * 2 ** min(clock.failures - 1, 16)
        delay = min(doubled, max(delay, _LAST_RETRY))
    delay *= 1 + random.uniform(-_JITTER, _JITTER)  # noqa: S311 - spreads, hides nothing
    asked = timedelta(seconds=min(retry_after_seconds or 0, _LAST_RETRY.total_seconds()))
    return now + max(delay, asked)


def _longest_delay(clock: Clock) -> timedelta:
    return max(timedelta(hours=clock.interval_hours), _LAST_RETRY) * (1 + _JITTER)
