"""The inbox: stored once, claimed once, kept until dealt with."""

import threading
from datetime import timedelta

from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import (
    INBOX,
    Delivery,
    InboxState,
    claim,
    claimed_by_others,
    count_by_state,
    has_claimed,
    put_back,
    remove_finished,
    store,
    waiting,
    wake,
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


def test_an_event_that_is_put_back_waits_until_its_time(ledger: Ledger) -> None:
    with ledger.write() as connection:
        store(connection, [Delivery("a", "1", {}), Delivery("b", "1", {}), Delivery("c", "1", {})])
        rows = claim(connection, "a", "b", run_id="run")
        assert [has_claimed(connection, run) for run in ("run", "next")] == [True, False]
        put_back(connection, rows[0].id, run_id="run", not_before=utc_now() + timedelta(hours=1))
        put_back(connection, rows[1].id, run_id="run", counts=False)
    with ledger.write() as connection:
        now_waiting = waiting(connection, "a", "b")
        assert now_waiting is not None
        assert (now_waiting.count, now_waiting.newest_id) == (1, rows[1].id)
        (row,) = claim(connection, "a", "b", run_id="next")
        assert (row.id, row.attempts) == (rows[1].id, 1)
        assert waiting(connection, "a", "b") is None
        wake(connection, "a")
        (row,) = claim(connection, "a", "b", run_id="next")
        assert (row.id, row.attempts) == (rows[0].id, 2)


def test_what_a_run_claimed_is_found_by_the_next_one(ledger: Ledger) -> None:
    with ledger.write() as connection:
        store(connection, [Delivery("a", str(number), {}) for number in range(3)])
        dead = claim(connection, "a", run_id="dead", limit=2)
        claim(connection, "a", run_id="alive")
        found = claimed_by_others(connection, "a", run_id="alive")
    assert [row.id for row in found] == [row.id for row in dead]
