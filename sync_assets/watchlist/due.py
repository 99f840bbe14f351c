"""When an item is to be checked next. Pure; `schedule` keeps it."""

import random
from datetime import datetime, timedelta

from sync_assets.watchlist.models import INTERVAL_HOURS

_JITTER = 0.1
"""Of the interval: items that were added together are asked apart."""
_FIRST_RETRY = timedelta(hours=1)
_LAST_RETRY = timedelta(hours=24)

LONGEST_DELAY = timedelta(hours=max(INTERVAL_HOURS)) * (1 + _JITTER)
"""No check puts the next one further away: what is later comes from a clock that was wrong."""


def next_check(
    now: datetime,
    interval_hours: int,
    *,
    failures: int = 0,
    retry_after_seconds: float | None = None,
) -> datetime:
    """Return when to check an item that was checked now.

    Args:
        now: The time.
        interval_hours: How often it is checked, 1 to 168.
        failures: How often in succession its provider could not be read, with this time.
        retry_after_seconds: How long the provider asks to be left alone.

    Returns:
        After the interval, give or take a tenth. Where its provider could not be read: after an
        hour, then two, four and so on up to a day, or the interval if that is longer; never before
        the provider wants it, as long as that is at most a day.
    """
    delay = timedelta(hours=interval_hours)
    if failures:
        doubled = _FIRST_RETRY * 2 ** min(failures - 1, 16)
        delay = min(doubled, max(delay, _LAST_RETRY))
    delay *= 1 + random.uniform(-_JITTER, _JITTER)  # noqa: S311 - spreads, hides nothing
    asked = timedelta(seconds=min(retry_after_seconds or 0, _LAST_RETRY.total_seconds()))
    return now + max(delay, asked)
