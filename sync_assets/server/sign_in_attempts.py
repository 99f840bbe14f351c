"""How often an address may try a wrong token before it has to wait."""

import time
from collections import deque
from collections.abc import Callable

MAXIMUM_ATTEMPTS = 10
PERIOD_SECONDS = 300.0
_MAXIMUM_ADDRESSES = 1_000


class SignInAttempts:
    """Remembers wrong tokens per address, in memory: a token has 256 random bits.

    The limit is there to keep the noise of a guesser out of the ledger and the log.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[str, deque[float]] = {}

    def wait_seconds(self, address: str) -> float:
        """Say how long an address must wait; 0 where it may try.

        Args:
            address: Who tries.
        """
        attempts = self._recent(address)
        if len(attempts) < MAXIMUM_ATTEMPTS:
            return 0.0
        return attempts[0] + PERIOD_SECONDS - self._clock()

    def count_wrong(self, address: str) -> None:
        """Remember a wrong token.

        Args:
            address: Who tried it.
        """
        attempts = self._recent(address)
        attempts.append(self._clock())
        # Put last, so that the first one is whom nobody has heard of for the longest time.
        self._wrong.pop(address, None)
        self._wrong[address] = attempts
        if len(self._wrong) > _MAXIMUM_ADDRESSES:
            self._wrong.pop(next(iter(self._wrong)))

    def _recent(self, address: str) -> deque[float]:
        attempts = self._wrong.get(address, deque(maxlen=MAXIMUM_ATTEMPTS))
        while attempts and attempts[0] <= self._clock() - PERIOD_SECONDS:
            attempts.popleft()
        return attempts
