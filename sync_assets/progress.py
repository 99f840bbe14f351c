"""Progress lines of long work: how much is done, how fast, and how long it will take."""

import logging
import time
from collections.abc import Callable

EVERY_SECONDS = 5.0


class Progress:
    """Logs a line every few seconds.

    Args:
        logger: Where to.
        unit: What is counted, in the plural.
        total: How many there will be, where that is known.
        clock: Seconds, never going back.
    """

    def __init__(
        self,
        logger: logging.Logger,
        unit: str,
        *,
        total: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logger = logger
        self._unit = unit
        self._total = total
        self._clock = clock
        self._started_at = self._logged_at = clock()

    def update(self, done: int) -> None:
        """Say how many are done; logs where the last line is old enough."""
        now = self._clock()
        if now - self._logged_at < EVERY_SECONDS:
            return
        self._logged_at = now
        rate = done / (now - self._started_at)
        if self._total and rate > 0:
            left = max(0.0, (self._total - done) / rate)
            self._logger.info(
                "%d of %d %s, %.0f/s, about %.0f s left", done, self._total, self._unit, rate, left
            )
        else:
            self._logger.info("%d %s, %.0f/s", done, self._unit, rate)
