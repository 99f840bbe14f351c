"""The rate of one account, kept by all threads and processes together."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import block, read_budgets
from sync_assets.strm.sources.pace import Gate, Pace, RefusedError
from sync_assets.strm.sources.protocol import SourceUnavailableError


def turns(gates: list[Gate], count: int) -> list[float]:
    """Go through the gates in many threads; return when each was let through."""
    with ThreadPoolExecutor(8) as executor:
        return sorted(executor.map(lambda n: gates[n % len(gates)].enter(), range(count)))


@pytest.mark.parametrize("rate", [20, 200])
def test_the_turns_of_many_threads_are_spread_evenly(sqlite_ledger: Ledger, rate: int) -> None:
    gate = Gate("http://nas", Pace(sqlite_ledger, "openlist:alice", rate, 8))
    moments = turns([gate], 16)
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert sum(gaps) >= 15 / rate * 0.9
    # A thread that wakes late comes nearer to the next one, but nobody goes in a burst.
    assert sum(gap < 0.2 / rate for gap in gaps) <= 6


def test_two_sources_of_one_account_share_its_rate(sqlite_ledger: Ledger) -> None:
    paces = [Pace(sqlite_ledger, "openlist:alice", 20, 8) for _ in range(2)]
    moments = turns([Gate("http://nas", pace) for pace in paces], 16)
    most = max(sum(start <= each < start + 0.5 for each in moments) for start in moments)
    assert most <= 0.5 * 20 + 4


def test_a_high_rate_needs_few_commits(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = []
    write = sqlite_ledger.write
    monkeypatch.setattr(sqlite_ledger, "write", lambda: commits.append(1) or write())
    gate = Gate("http://nas", Pace(sqlite_ledger, "openlist:alice", 1_000, 8))
    turns([gate], 400)
    assert len(commits) <= 3
    with sqlite_ledger.read() as connection:
        (budget,) = read_budgets(connection)
    assert budget.used in (500, 750)


def test_a_turn_that_nobody_took_is_not_made_up_for(sqlite_ledger: Ledger) -> None:
    gate = Gate("http://nas", Pace(sqlite_ledger, "openlist:alice", 40, 8))
    gate.enter()
    time.sleep(0.3)
    moments = turns([gate], 5)
    assert moments[-1] - moments[0] >= 4 / 40 * 0.9


def test_an_account_that_is_blocked_for_long_ends_the_scan(sqlite_ledger: Ledger) -> None:
    block(sqlite_ledger, "openlist:alice", 3_600)
    gate = Gate("http://nas", Pace(sqlite_ledger, "openlist:alice", 20, 8))
    for _ in range(2):
        with pytest.raises(SourceUnavailableError, match="openlist:alice"):
            gate.enter()


def test_a_refusal_holds_the_account_everywhere(sqlite_ledger: Ledger) -> None:
    gate = Gate("http://nas", Pace(sqlite_ledger, "openlist:alice", 20, 8))
    gate.refused(RefusedError("no", remedy="", retry_after=60), gate.enter())
    with sqlite_ledger.read() as connection:
        (budget,) = read_budgets(connection)
    assert 50 < budget.blocked_until - time.time() <= 60


def test_refusals_of_requests_sent_together_count_once() -> None:
    gate = Gate("http://nas", None)
    entered = [gate.enter() for _ in range(10)]
    for moment in entered:
        gate.refused(RefusedError("no", remedy="", retry_after=0.01), moment)
    gate.answered(gate.enter())


def test_the_end_wakes_those_who_wait() -> None:
    gate = Gate("http://nas", None)
    gate.refused(RefusedError("no", remedy="", retry_after=100), gate.enter())
    found: list[SourceUnavailableError] = []

    def wait() -> None:
        try:
            gate.enter()
        except SourceUnavailableError as error:
            found.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    with pytest.raises(SourceUnavailableError):
        gate.end(SourceUnavailableError("over", remedy=""))
    thread.join(5)
    assert [error.message for error in found] == ["over"]
