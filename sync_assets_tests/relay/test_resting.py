"""How long a worker waits between its steps."""

import itertools
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

    is_busy = False

    def __init__(
        self, clock: Clock, *, until: float, ended_at: float = math.inf, is_hungry: bool = False
    ) -> None:
        self._clock = clock
        self._until = until
        self._ended_at = ended_at
        self.is_hungry = is_hungry
        self.steps: list[float] = []
        self.prepared = 0

    @property
    def report(self) -> bool:
        return bool(self.steps) and max(self.steps) >= self._ended_at

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
    monkeypatch.setattr(time, "thread_time", itertools.count(step=0.1).__next__)
    return clock


MOMENTS = [8 + part / 40 for part in range(20)]
"""In steps of 25 ms, through every part of a pause."""


def test_where_nothing_ends_it_looks_ever_less_often(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "thread_time", lambda: 0.0)
    quiet = Quiet(clock, until=10)
    drive_to_rest([quiet], seconds=60)
    pauses = [after - before for before, after in zip(quiet.steps, quiet.steps[1:], strict=False)]
    assert pauses == pytest.approx(sorted(pauses))
    assert pauses[-1] == pytest.approx(resting._LONGEST_QUIET_POLL_SECONDS)
    assert quiet.prepared == 1


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_has_ended_is_seen_at_once(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, moment: float
) -> None:
    monkeypatch.setattr(time, "thread_time", lambda: 0.0)
    ending, other = Quiet(clock, until=10, ended_at=moment), Quiet(clock, until=10)
    drive_to_rest([ending, other], seconds=60)
    assert _seen_after(ending, moment) <= 2 * resting._SHORTEST_POLL_SECONDS


def test_a_step_that_takes_long_comes_less_often(clock: Clock) -> None:
    ending, other = Quiet(clock, until=10, ended_at=8.0), Quiet(clock, until=10)
    drive_to_rest([ending, other], seconds=60)
    pauses = {round(after - before, 2) for before, after in itertools.pairwise(other.steps)}
    assert pauses == {0.4}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    ("cost", "most"),
    [(0.0, 2 * resting._SHORTEST_POLL_SECONDS), (0.1, resting._LONGEST_QUIET_POLL_SECONDS)],
)
def test_but_nobody_waits_where_everything_has_ended(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, cost: float, most: float, moment: float
) -> None:
    monkeypatch.setattr(time, "thread_time", itertools.count(step=cost).__next__)
    ending = [Quiet(clock, until=10, ended_at=each) for each in (8.0, moment)]
    drive_to_rest(ending, seconds=60)
    # More where the step is dear and the one before it has settled nothing.
    assert _seen_after(ending[0], moment) <= most


def test_what_has_ended_and_is_never_settled_keeps_nothing_busy(clock: Clock) -> None:
    class Unsettled(Quiet):
        has_news = True
        is_waiting = False
        report = False

    unsettled = Unsettled(clock, until=10)
    drive_to_rest([unsettled], seconds=60)
    assert len(unsettled.steps) <= 10 / resting._SHORTEST_POLL_SECONDS / 5


@pytest.mark.parametrize(
    ("are_hungry", "pause"), [((False, False), 0.5), ((True, False), 0.4), ((True, True), 0.15)]
)
def test_the_hungry_wait_less(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, are_hungry: tuple[bool, ...], pause: float
) -> None:
    monkeypatch.setattr(time, "thread_time", itertools.count(step=0.4).__next__)
    drivers = [Quiet(clock, until=10, is_hungry=each) for each in are_hungry]
    drive_to_rest(drivers, seconds=60)
    *_, before, after = drivers[0].steps
    assert after - before == pytest.approx(pause)


def _seen_after(quiet: Quiet, moment: float) -> float:
    return min(each for each in quiet.steps if each >= moment) - moment
