"""How long a worker waits between its steps."""

import math
import time

import pytest

from sync_assets.relay import resting
from sync_assets.relay.resting import drive_to_rest


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Quiet:
    """Something that moves for a time, and of which nothing is to be seen meanwhile."""

    report = None
    is_busy = False
    is_hungry = False

    def __init__(self, clock: Clock, *, until: float, ended_at: float = math.inf) -> None:
        self._clock = clock
        self._until = until
        self._ended_at = ended_at
        self.steps: list[float] = []
        self.prepared = 0

    @property
    def has_news(self) -> bool:
        return self._has_ended and max(self.steps) < self._ended_at

    @property
    def is_waiting(self) -> bool:
        return not self._has_ended

    @property
    def _has_ended(self) -> bool:
        return self._ended_at <= self._clock.now

    def prepare(self) -> None:
        self.prepared += 1

    def step(self) -> bool:
        self.steps.append(self._clock.now)
        return self._clock.now < self._until

    def seconds_until_due(self) -> float | None:
        return None

    def finish(self) -> None: ...


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(time, "thread_time", lambda: 0.0)
    return clock


def test_where_nothing_ends_it_looks_ever_less_often(clock: Clock) -> None:
    quiet = Quiet(clock, until=10)
    drive_to_rest([quiet], seconds=60)
    pauses = [after - before for before, after in zip(quiet.steps, quiet.steps[1:], strict=False)]
    assert pauses == pytest.approx(sorted(pauses))
    assert pauses[-1] == pytest.approx(resting._LONGEST_QUIET_POLL_SECONDS)
    assert quiet.prepared == 1


def test_what_has_ended_is_seen_at_once(clock: Clock) -> None:
    ending, other = Quiet(clock, until=10, ended_at=8.01), Quiet(clock, until=10)
    drive_to_rest([ending, other], seconds=60)
    assert _seen_after(ending, 8.01) <= 2 * resting._SHORTEST_POLL_SECONDS


def test_nobody_waits_where_everything_has_ended(clock: Clock) -> None:
    some = [Quiet(clock, until=10, ended_at=moment) for moment in (8.0, 8.01)]
    drive_to_rest(some, seconds=60)
    assert _seen_after(some[0], 8.01) <= resting._SHORTEST_POLL_SECONDS


def _seen_after(quiet: Quiet, moment: float) -> float:
    return min(each for each in quiet.steps if each >= moment) - moment
