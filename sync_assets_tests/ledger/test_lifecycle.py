"""The lifecycle kernel: legal transitions happen with a history, all others are refused."""

import itertools

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError

from sync_assets.ledger import (
    IllegalTransitionError,
    Ledger,
    StateConflictError,
    UnknownSubjectError,
)
from sync_assets.ledger.events import read_events
from sync_assets.ledger.inbox import INBOX, Delivery, InboxState, store
from sync_assets.ledger.lifecycle import Change
from sync_assets.ledger.schema import events, inbox_events
from sync_assets.ledger.types import utc_now

PAIRS = list(itertools.product(InboxState, InboxState))


def put_in_state(ledger: Ledger, state: InboxState, event_id: str = "one") -> int:
    """Store an event and bring it into a state by legal transitions only."""
    with ledger.write() as connection:
        (row_id,) = store(connection, [Delivery("test", f"{state} {event_id}", {})])
        assert row_id is not None
        way = {
            InboxState.RECEIVED: [],
            InboxState.CLAIMED: [InboxState.CLAIMED],
            InboxState.DONE: [InboxState.CLAIMED, InboxState.DONE],
            InboxState.FAILED: [InboxState.CLAIMED, InboxState.FAILED],
            InboxState.IGNORED: [InboxState.IGNORED],
        }
        for step in way[state]:
            INBOX.transition(connection, row_id, step)
    return row_id


def state_of(ledger: Ledger, row_id: int) -> str:
    with ledger.read() as connection:
        query = select(inbox_events.c.state).where(inbox_events.c.id == row_id)
        return connection.execute(query).scalar_one()


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_every_pair_of_states_is_allowed_exactly_where_it_is_declared(
    sqlite_ledger: Ledger, before: InboxState, after: InboxState
) -> None:
    row_id = put_in_state(sqlite_ledger, before)
    if after in INBOX.transitions[before]:
        with sqlite_ledger.write() as connection:
            INBOX.transition(connection, row_id, after)
        assert state_of(sqlite_ledger, row_id) == after
        return
    with pytest.raises(IllegalTransitionError) as caught, sqlite_ledger.write() as connection:
        INBOX.transition(connection, row_id, after)
    assert f"cannot go from {before} to {after}" in str(caught.value)
    assert state_of(sqlite_ledger, row_id) == before


def test_the_database_itself_refuses_what_is_not_declared(ledger: Ledger) -> None:
    for before, after in PAIRS:
        if before == after:
            continue
        with ledger.write() as connection:
            connection.execute(text("DELETE FROM inbox_events"))
        row_id = put_in_state(ledger, before)
        statement = update(inbox_events).where(inbox_events.c.id == row_id).values(state=after)
        if after in INBOX.transitions[before]:
            with ledger.write() as connection:
                connection.execute(statement)
        else:
            with pytest.raises(DBAPIError, match="illegal inbox_event state"):
                with ledger.write() as connection:
                    connection.execute(statement)


@pytest.mark.parametrize("state", ["claimed", "done", "nonsense"])
def test_a_row_cannot_be_born_in_a_later_or_unknown_state(ledger: Ledger, state: str) -> None:
    now = utc_now()
    row = {"source": "s", "event_id": "1", "payload": {}, "received_at": now, "changed_at": now}
    with pytest.raises(DBAPIError), ledger.write() as connection:
        connection.execute(insert(inbox_events).values(state=state, **row))


def test_each_change_leaves_one_event_in_the_same_transaction(ledger: Ledger) -> None:
    row_id = put_in_state(ledger, InboxState.FAILED)
    with ledger.read() as connection:
        history = read_events(connection, entity="inbox_event", entity_id=str(row_id))
    assert [(event.previous_state, event.state) for event in history] == [
        (None, "received"),
        ("received", "claimed"),
        ("claimed", "failed"),
    ]


def test_a_transaction_that_fails_leaves_neither_state_nor_event(ledger: Ledger) -> None:
    row_id = put_in_state(ledger, InboxState.RECEIVED)
    with pytest.raises(ZeroDivisionError), ledger.write() as connection:
        INBOX.transition(connection, row_id, InboxState.CLAIMED)
        raise ZeroDivisionError
    assert state_of(ledger, row_id) == InboxState.RECEIVED
    with ledger.read() as connection:
        assert len(read_events(connection)) == 1


def test_a_row_in_an_unexpected_state_is_a_conflict_that_names_it(ledger: Ledger) -> None:
    row_id = put_in_state(ledger, InboxState.CLAIMED)
    with pytest.raises(StateConflictError, match=f"inbox_event {row_id} is claimed"):
        with ledger.write() as connection:
            INBOX.transition(connection, row_id, InboxState.IGNORED, expected={InboxState.RECEIVED})


def test_an_unknown_row_is_an_error(ledger: Ledger) -> None:
    with pytest.raises(UnknownSubjectError), ledger.write() as connection:
        INBOX.transition(connection, 999, InboxState.CLAIMED)


def test_a_change_sets_other_columns_and_carries_detail(ledger: Ledger) -> None:
    row_id = put_in_state(ledger, InboxState.CLAIMED)
    with ledger.write() as connection:
        row = INBOX.transition(
            connection,
            row_id,
            InboxState.FAILED,
            run_id="run-1",
            detail={"because": "数"},
            failure_reason="gone",
        )
    assert (row.state, row.failure_reason) == ("failed", "gone")
    with ledger.read() as connection:
        last = read_events(connection)[-1]
    assert (last.run_id, last.detail) == ("run-1", {"because": "数"})


def test_several_rows_change_at_once_each_with_its_own_columns_and_history(
    ledger: Ledger,
) -> None:
    rows = [put_in_state(ledger, InboxState.CLAIMED, each) for each in ("a", "b", "c")]
    changes = {row: Change({"failure_reason": f"{row} is bad"}, {"row": row}) for row in rows}
    with ledger.write() as connection:
        changed = INBOX.transition_each(
            connection, changes, InboxState.FAILED, expected={InboxState.CLAIMED}, run_id="r"
        )
    assert changed == rows
    with ledger.read() as connection:
        columns = inbox_events.c
        found = connection.execute(select(columns.id, columns.state, columns.failure_reason)).all()
        history = [
            (event.entity_id, event.previous_state, event.run_id, event.detail)
            for event in read_events(connection)
            if event.state == InboxState.FAILED
        ]
    assert [tuple(row) for row in found] == [(row, "failed", f"{row} is bad") for row in rows]
    assert history == [(str(row), "claimed", "r", {"row": row}) for row in rows]


@pytest.mark.parametrize("reasons", [(None, None), (None, "bad"), ("bad", "worse")])
def test_a_column_is_emptied_in_those_rows_that_say_so(
    ledger: Ledger, reasons: tuple[str | None, ...]
) -> None:
    rows = [put_in_state(ledger, InboxState.CLAIMED, name) for name in ("one", "two")]
    changes = {
        row: Change({"failure_reason": reason}) for row, reason in zip(rows, reasons, strict=True)
    }
    with ledger.write() as connection:
        connection.execute(update(inbox_events).values(failure_reason="old"))
        INBOX.transition_each(connection, changes, InboxState.DONE, expected={InboxState.CLAIMED})
        query = select(inbox_events.c.failure_reason).order_by(inbox_events.c.id)
        assert tuple(connection.execute(query).scalars()) == reasons


def test_of_several_rows_those_that_others_have_changed_stay_as_they_are(ledger: Ledger) -> None:
    claimed = put_in_state(ledger, InboxState.CLAIMED)
    received = put_in_state(ledger, InboxState.RECEIVED)
    with ledger.write() as connection:
        changed = INBOX.transition_each(
            connection,
            {received: Change(), claimed: Change(), 999_999: Change()},
            InboxState.FAILED,
            expected={InboxState.CLAIMED},
        )
    assert changed == [claimed]
    assert state_of(ledger, received) == "received"


def test_of_several_rows_that_change_alike_only_the_expected_ones_do(ledger: Ledger) -> None:
    claimed = put_in_state(ledger, InboxState.CLAIMED)
    received = put_in_state(ledger, InboxState.RECEIVED)
    with ledger.write() as connection:
        INBOX.transition_all(
            connection,
            [received, 999_999, claimed],
            InboxState.FAILED,
            expected={InboxState.CLAIMED},
            failure_reason="gone",
        )
    assert (state_of(ledger, received), state_of(ledger, claimed)) == ("received", "failed")
    with ledger.read() as connection:
        failed = [each for each in read_events(connection) if each.state == InboxState.FAILED]
    assert [(each.entity_id, each.previous_state) for each in failed] == [(str(claimed), "claimed")]


def test_a_row_that_is_gone_changes_none_of_several(ledger: Ledger) -> None:
    claimed = put_in_state(ledger, InboxState.CLAIMED)
    with pytest.raises(UnknownSubjectError, match="999999"), ledger.write() as connection:
        INBOX.transition_all(connection, [claimed, 999_999], InboxState.FAILED)
    assert state_of(ledger, claimed) == "claimed"


def test_several_rows_change_all_or_none(ledger: Ledger) -> None:
    rows = [put_in_state(ledger, state) for state in (InboxState.CLAIMED, InboxState.RECEIVED)]
    with pytest.raises(IllegalTransitionError), ledger.write() as connection:
        INBOX.transition_each(
            connection,
            {row: Change() for row in rows},
            InboxState.DONE,
            expected=set(InboxState),
        )
    assert [state_of(ledger, row) for row in rows] == ["claimed", "received"]


@pytest.mark.parametrize("statement", ["UPDATE events SET entity = 'x'", "DELETE FROM events"])
def test_the_history_cannot_be_rewritten(ledger: Ledger, statement: str) -> None:
    put_in_state(ledger, InboxState.RECEIVED)
    with pytest.raises(DBAPIError, match="append-only"), ledger.write() as connection:
        connection.execute(text(statement))
    with ledger.read() as connection:
        assert len(connection.execute(select(events)).all()) == 1


def test_the_final_states_are_those_that_nothing_follows() -> None:
    assert INBOX.final == {InboxState.DONE, InboxState.IGNORED}
