"""How often a host is asked: evenly, and not at all for as long as it asks to be left alone."""

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Protocol

from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import RateBudgetExhaustedError, RateLimit, block, reserve

LONGEST_WAIT_SECONDS = 30.0


class HostPace(Protocol):
    """Says when a host may be asked next."""

    def delay(self, host: str) -> float | None:
        """Take the next turn; return the seconds until then, None where it is too far away."""
        ...

    def block(self, host: str, seconds: float) -> None:
        """Let nobody ask a host for a time."""
        ...


class ProcessPace:
    """A pace within this process, for tests and commands that have no ledger.

    Args:
        requests_per_second: The most requests to one host.
        clock: Seconds of any clock that never goes back.
    """

    def __init__(
        self, requests_per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = 1 / requests_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at: dict[str, float] = {}

    def delay(self, host: str) -> float | None:
        """Take the next turn."""
        with self._lock:
            now = self._clock()
            due = max(now, self._free_at.get(host, now))
            if due - now > LONGEST_WAIT_SECONDS:
                return None
            self._free_at[host] = due + self._interval
            return due - now

    def block(self, host: str, seconds: float) -> None:
        """Let nobody ask a host for a time."""
        with self._lock:
            until = self._clock() + seconds
            self._free_at[host] = max(until, self._free_at.get(host, until))


class LedgerPace:
    """A pace that all processes share.

    Args:
        ledger: The ledger.
        requests_per_second: The most requests to one host.
    """

    def __init__(self, ledger: Ledger, requests_per_second: float) -> None:
        self._ledger = ledger
        self._period_seconds = 1 / requests_per_second

    def delay(self, host: str) -> float | None:
        """Take the next turn."""
        limit = RateLimit(_budget_name(host), permits=1, period_seconds=self._period_seconds)
        try:
            return reserve(self._ledger, limit, maximum_wait_seconds=LONGEST_WAIT_SECONDS)
        except RateBudgetExhaustedError:
            return None

    def block(self, host: str, seconds: float) -> None:
        """Let nobody ask a host for a time."""
        block(self._ledger, _budget_name(host), seconds)


def _budget_name(host: str) -> str:
    # The names of budgets are shown to everybody, and what somebody watches is nobody's business.
    return f"watchlist:{hashlib.sha256(host.encode()).hexdigest()[:8]}"
