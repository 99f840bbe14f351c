"""When the next request to a server may be sent, and when to stop asking it at all.

One `Gate` is shared by all threads of a source. Nothing here knows HTTP.
"""

import random
import threading
import time
from typing import NoReturn

from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import RateBudgetExhaustedError, RateLimit, block, reserve
from sync_assets.strm.sources.protocol import SourceUnavailableError

PAUSE_SECONDS = 1.0
"""The pause after the first refusal; each further one doubles it."""

BACKOFF_SECONDS = 0.5
"""The pause before the first repetition of a request; each further one doubles it."""

REFUSALS = 4
"""After this many refusals in a row, with a pause after each, the next one ends the scan."""

UNANSWERED = 10
"""After this many requests in a row that nothing ever answered, the scan ends."""

_LONGEST_PAUSE_SECONDS = 120.0
_RESERVED_SECONDS = 0.25
_LONGEST_WAIT_SECONDS = 60.0


class RefusedError(Exception):
    """The server wants no requests at all now, whatever they ask for.

    Args:
        message: What it answered.
        remedy: What the user can do about it, where it goes on.
        retry_after: The seconds that it asks to be left alone.
    """

    def __init__(self, message: str, *, remedy: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.retry_after = retry_after


class Pace:
    """Spreads the requests of one account evenly, over all processes, by the ledger.

    Args:
        ledger: The ledger that holds the budget.
        name: The budget's name, which holds no address.
        requests_per_second: The most requests per second.
        connections: How many threads may wait for their turn.
    """

    def __init__(
        self, ledger: Ledger, name: str, requests_per_second: float, connections: int
    ) -> None:
        self._ledger = ledger
        self._limit = RateLimit(name, permits=1, period_seconds=1 / requests_per_second)
        # A reservation is a commit to disk: at a high rate one of them serves many requests.
        self._batch = max(1, int(requests_per_second * _RESERVED_SECONDS))
        self._longest_wait = max(_LONGEST_WAIT_SECONDS, 4 * connections / requests_per_second)
        self._lock = threading.Lock()
        self._reserved = 0
        self._next_at = 0.0

    def delay(self) -> float:
        """Take the next turn; return how many seconds away it is.

        Raises:
            RateBudgetExhaustedError: It is too far away.
        """
        with self._lock:
            now = time.monotonic()
            if not self._reserved:
                wait = reserve(
                    self._ledger,
                    self._limit,
                    count=self._batch,
                    maximum_wait_seconds=self._longest_wait,
                )
                self._reserved = self._batch
                now = time.monotonic()
                self._next_at = max(self._next_at, now + wait)
            # A turn that nobody took in time is not made up for: that would be a burst.
            turn = max(self._next_at, now)
            self._next_at = turn + self._limit.interval_seconds
            self._reserved -= 1
            return turn - now

    def block(self, seconds: float) -> None:
        """Keep every process from using this account for a time."""
        block(self._ledger, self._limit.name, seconds)


class Gate:
    """Lets requests through one source: paces them, pauses all of them, or ends the scan.

    Args:
        server: The server's address, for messages.
        pace: The rate limit, where there is one.
    """

    def __init__(self, server: str, pace: Pace | None) -> None:
        self._server = server
        self._pace = pace
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._error: SourceUnavailableError | None = None
        self._resume_at = 0.0
        self._refused_at = 0.0
        self._refusals = 0
        self._unanswered = 0

    def enter(self) -> float:
        """Wait until a request may be sent.

        Returns:
            The moment, which `answered` and `refused` want to know.

        Raises:
            SourceUnavailableError: The scan has ended.
        """
        if self._pace is not None:
            try:
                self.sleep(self._pace.delay())
            except RateBudgetExhaustedError as error:
                self.end(SourceUnavailableError(error.message, remedy=error.remedy))
        while True:
            self._raise_if_ended()
            now = time.monotonic()
            left = self._resume_at - now
            if left <= 0:
                return now
            self.sleep(left)

    def sleep(self, seconds: float) -> None:
        """Sleep, but no longer than the scan goes on.

        Raises:
            SourceUnavailableError: The scan has ended.
        """
        if seconds > 0:
            self._ended.wait(seconds)
        self._raise_if_ended()

    def answered(self, entered_at: float) -> None:
        """Note that a request got an answer that says something."""
        if self._unanswered or self._refusals:
            with self._lock:
                self._unanswered = 0
                if entered_at >= self._refused_at:
                    self._refusals = 0

    def unanswered(self, message: str) -> None:
        """Note that a request got no answer, however often it was repeated.

        Raises:
            SourceUnavailableError: It was one too many.
        """
        with self._lock:
            self._unanswered += 1
            enough = self._unanswered >= UNANSWERED
        if enough:
            self.end(
                SourceUnavailableError(
                    f"{self._server} did not answer {UNANSWERED} requests in a row: {message}.",
                    remedy="Look whether the server is well; nothing is deleted meanwhile.",
                )
            )

    def refused(self, error: RefusedError, entered_at: float) -> None:
        """Note that the server wants no requests now, and pause all of them.

        Args:
            error: What it answered.
            entered_at: When the request was let through. One that was sent before the last
                refusal only says the same again.

        Raises:
            SourceUnavailableError: It was one too many, or the pause would be too long.
        """
        with self._lock:
            if entered_at < self._refused_at:
                return
            self._refusals += 1
            self._refused_at = time.monotonic()
            pause = error.retry_after
            if pause is None:
                pause = jittered(PAUSE_SECONDS * 2 ** (self._refusals - 1))
            self._resume_at = max(self._resume_at, self._refused_at + pause)
            enough = self._refusals > REFUSALS or pause > _LONGEST_PAUSE_SECONDS
        if self._pace is not None:
            self._pace.block(pause)
        if enough:
            self.give_up(error)

    def give_up(self, error: RefusedError) -> NoReturn:
        """End the scan because of a refusal.

        Raises:
            SourceUnavailableError: Always.
        """
        self.end(SourceUnavailableError(f"{self._server} {error.message}.", remedy=error.remedy))

    def end(self, error: SourceUnavailableError) -> NoReturn:
        """End the scan for all threads; the first reason counts.

        Raises:
            SourceUnavailableError: Always.
        """
        with self._lock:
            self._error = self._error or error
            self._ended.set()
        raise self._error

    def _raise_if_ended(self) -> None:
        if self._error is not None:
            raise SourceUnavailableError(self._error.message, remedy=self._error.remedy)


def jittered(seconds: float) -> float:
    """Return about so many seconds, so that those who failed together do not return together."""
    return seconds * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
