"""Rate budgets: the pace of one upstream, kept by all processes together."""

import subprocess
import sys

import pytest

from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import RateBudgetExhaustedError, RateLimit, block, reserve

LIMIT = RateLimit("upstream:alice", permits=10, period_seconds=10.0, burst=3)

RESERVE = """
import sys
from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import RateLimit, reserve
ledger = Ledger.open(sys.argv[1])
limit = RateLimit("shared", permits=10, period_seconds=10.0)
for _ in range(10):
    print(reserve(ledger, limit, maximum_wait_seconds=1000, clock=lambda: 5000.0))
"""


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_after_a_burst_requests_are_spaced_evenly(ledger: Ledger) -> None:
    clock = Clock()
    waits = [reserve(ledger, LIMIT, clock=clock) for _ in range(6)]
    assert waits == pytest.approx([0, 0, 0, 1, 2, 3])


def test_a_pause_earns_a_burst_again_but_never_more(ledger: Ledger) -> None:
    clock = Clock()
    for _ in range(6):
        reserve(ledger, LIMIT, clock=clock)
    clock.now += 1_000
    waits = [reserve(ledger, LIMIT, clock=clock) for _ in range(4)]
    assert waits == pytest.approx([0, 0, 0, 1])


def test_several_requests_are_reserved_at_once(ledger: Ledger) -> None:
    clock = Clock()
    assert reserve(ledger, LIMIT, count=5, clock=clock) == 0
    assert reserve(ledger, LIMIT, clock=clock) == pytest.approx(3)


def test_retry_after_stops_everybody_and_a_shorter_one_does_not_shorten_it(ledger: Ledger) -> None:
    clock = Clock()
    block(ledger, LIMIT.name, 60, clock=clock)
    block(ledger, LIMIT.name, 5, clock=clock)
    with pytest.raises(RateBudgetExhaustedError, match="free again in 60 s"):
        reserve(ledger, LIMIT, clock=clock)
    assert reserve(ledger, LIMIT, maximum_wait_seconds=100, clock=clock) == pytest.approx(60)


def test_a_refused_reservation_costs_nothing(ledger: Ledger) -> None:
    clock = Clock()
    block(ledger, LIMIT.name, 60, clock=clock)
    for _ in range(5):
        with pytest.raises(RateBudgetExhaustedError):
            reserve(ledger, LIMIT, clock=clock)
    clock.now += 61
    assert reserve(ledger, LIMIT, clock=clock) == 0


def test_a_clock_that_was_set_back_does_not_stop_the_budget_for_ever(ledger: Ledger) -> None:
    clock = Clock()
    reserve(ledger, LIMIT, clock=clock)
    clock.now -= 86_400
    assert reserve(ledger, LIMIT, clock=clock) <= LIMIT.period_seconds


def test_a_large_reservation_is_no_clock_that_was_set_back(ledger: Ledger) -> None:
    clock = Clock()
    limit = RateLimit("chat", permits=1, period_seconds=1.0)
    reserve(ledger, limit, count=10, maximum_wait_seconds=400, clock=clock)
    with pytest.raises(RateBudgetExhaustedError, match="free again in 10 s"):
        reserve(ledger, limit, maximum_wait_seconds=2, clock=clock)


def test_four_processes_share_one_budget(ledger: Ledger, migrated_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RESERVE, migrated_url], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    waits = [float(line) for each in processes for line in each.communicate(timeout=120)[0].split()]
    assert sorted(waits) == pytest.approx(list(range(40)))
