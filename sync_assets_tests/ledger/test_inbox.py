"""The inbox: stored once, claimed once, kept until dealt with."""

import threading
from datetime import timedelta

from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import (
    INBOX,
    Delivery,
    InboxState,
    claim,
    count_by_state,
    remove_finished,
    store,
)
from sync_assets.ledger.types import utc_now


def test_an_event_that_is_delivered_twice_is_stored_once(ledger: Ledger) -> None:
    with ledger.write() as connection:
        ids = store(connection, [Delivery("a", "1", {}), Delivery("a", "1", {"again": True})])
    with ledger.write() as connection:
        again = store(connection, [Delivery("a", "1", {}), Delivery("b", "1", {})])
    assert ids[0] is not None
    assert ids[1] is None
    assert again[0] is None
    assert again[1] is not None


def test_two_claimers_never_get_the_same_event(ledger: Ledger) -> None:
    with ledger.write() as connection:
        store(connection, [Delivery("a", str(number), {"n": number}) for number in range(100)])
    claimed: list[int] = []

    def work() -> None:
        while True:
            with ledger.write() as connection:
                rows = claim(connection, "a", run_id=None, limit=7)
            if not rows:
                return
            claimed.extend(row.id for row in rows)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 100


def test_claiming_counts_attempts_and_takes_the_oldest_first(ledger: Ledger) -> None:
    with ledger.write() as connection:
        first, second = store(connection, [Delivery("a", "x", {}), Delivery("a", "y", {})])
        (row,) = claim(connection, "a", run_id="run", limit=1)
    assert (row.id, row.attempts, row.claimed_by) == (first, 1, "run")
    with ledger.write() as connection:
        INBOX.transition(connection, row.id, InboxState.RECEIVED)
        rows = claim(connection, "a", run_id="run")
    assert [(each.id, each.attempts) for each in rows] == [(first, 2), (second, 1)]


def test_only_old_events_that_were_dealt_with_are_removed(ledger: Ledger) -> None:
    with ledger.write() as connection:
        store(connection, [Delivery("a", str(number), {}) for number in range(4)])
        rows = claim(connection, "a", run_id=None, limit=3)
        INBOX.transition(connection, rows[0].id, InboxState.DONE)
        INBOX.transition(connection, rows[1].id, InboxState.FAILED)
    with ledger.write() as connection:
        assert remove_finished(connection, utc_now() - timedelta(days=1)) == 0
        assert remove_finished(connection, utc_now() + timedelta(seconds=1)) == 1
        assert count_by_state(connection) == {
            ("a", "received"): 1,
            ("a", "claimed"): 1,
            ("a", "failed"): 1,
        }
