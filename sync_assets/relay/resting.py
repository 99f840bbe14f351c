"""Drive several things at once until none of them moves any more."""

import time
from collections.abc import Callable, Sequence
from copy import copy
from typing import Protocol

_SHORTEST_POLL_SECONDS = 0.02
_LONGEST_POLL_SECONDS = 0.5
# A large file is under way for hours: who looks after it must not keep the processor busy.
_LONGEST_QUIET_POLL_SECONDS = 0.15
_QUIET_GROWTH = 1.25
# A step costs the same for one file and for fifty: with much to do, each takes more at once, and
# leaves the processor to those who move the bytes.
_PAUSE_PER_STEP = 4
# But nobody is to wait for work that the next step brings: less so, where all do.
_HUNGRY_PAUSE_PER_STEP = 1
_STARVING_PAUSE_PER_STEP = 0.3
# Where all who wait are starving, what ends is to be seen soon.
_NAP_SHARE = 0.25
_IDLE_POLL_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0


class Driver(Protocol):
    """Something that is driven in steps."""

    def prepare(self) -> None:
        """Begin what takes time before the first step."""
        ...

    @property
    def report(self) -> object:
        """What was done so far: another value as soon as something has come to its end."""
        ...

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way that would have to begin again."""
        ...

    @property
    def is_hungry(self) -> bool:
        """Whether it may soon have nothing to do until another step; asked often: it is cheap."""
        ...

    @property
    def has_news(self) -> bool:
        """Whether something has ended that waits for the next step; asked often: it is cheap."""
        ...

    @property
    def is_waiting(self) -> bool:
        """Whether something under way is still to end; asked often: it is cheap."""
        ...

    def step(self) -> bool:
        """Bring it on; return whether it moves, so that another step is wanted soon."""
        ...

    def seconds_until_due(self) -> float | None:
        """Return how long until something that is put off is due; None for nothing."""
        ...

    def finish(self) -> None:
        """Begin nothing more that could not go on in another run."""
        ...


def drive_to_rest(
    drivers: Sequence[Driver],
    *,
    seconds: float,
    between_steps: Callable[[], bool] | None = None,
) -> None:
    """Work until nothing moves any more, or the time is over.

    What is under way then, and would have to begin again in the next run, comes to its end first.

    Args:
        drivers: What is driven.
        seconds: The time.
        between_steps: Called after each step, for what is to be done meanwhile; tells whether it
            has made new work.
    """
    ends_at = time.monotonic() + seconds
    done: list[object] = []
    quiet_poll = _SHORTEST_POLL_SECONDS
    for driver in drivers:
        driver.prepare()
    while True:
        left = ends_at - time.monotonic()
        if left <= 0:
            for driver in drivers:
                driver.finish()
            if not any(driver.is_busy for driver in drivers):
                return
        began_at = time.thread_time()
        steps = [driver.step() for driver in drivers]
        is_moving = any(steps)
        if between_steps is not None:
            is_moving = between_steps() or is_moving
        if is_moving:
            done, before = [copy(driver.report) for driver in drivers], done
            quiet_poll = min(_QUIET_GROWTH * quiet_poll, _LONGEST_QUIET_POLL_SECONDS)
            if done != before:
                quiet_poll = _SHORTEST_POLL_SECONDS
            _pause(drivers, time.thread_time() - began_at, quiet_poll=quiet_poll)
            continue
        waits = [wait for driver in drivers if (wait := driver.seconds_until_due()) is not None]
        if not waits or min(waits) > min(_LONGEST_WAIT_SECONDS, left):
            return
        time.sleep(min(*waits, _IDLE_POLL_SECONDS))


def _pause(drivers: Sequence[Driver], step_seconds: float, *, quiet_poll: float) -> None:
    """Wait until the next step, for less time as soon as somebody wants one."""
    began_at = time.monotonic()
    while True:
        waiting = [driver for driver in drivers if driver.is_waiting]
        has_news = any(driver.has_news for driver in drivers)
        factor, nap = _PAUSE_PER_STEP, _SHORTEST_POLL_SECONDS
        if waiting and all(driver.is_hungry for driver in waiting):
            factor, nap = _STARVING_PAUSE_PER_STEP, min(nap, _NAP_SHARE * quiet_poll)
        elif any(driver.is_hungry for driver in drivers):
            factor = _HUNGRY_PAUSE_PER_STEP
        shortest = _SHORTEST_POLL_SECONDS if has_news else quiet_poll
        wanted = min(max(factor * step_seconds, shortest), _LONGEST_POLL_SECONDS)
        if has_news and not waiting:
            # Not at all, unless the last steps have settled nothing.
            wanted = min(wanted, quiet_poll - _SHORTEST_POLL_SECONDS)
        left = began_at + wanted - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, nap))
