"""Group commit: what is acknowledged is on disk, and one delivery's fault stays its own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from sync_assets.ledger import Ledger, LedgerUnavailableError
from sync_assets.ledger import inbox as ledger_inbox
from sync_assets.ledger.inbox import Delivery
from sync_assets.server import inbox_writer
from sync_assets.server.errors import LedgerBusyError, OverloadedError
from sync_assets.server.inbox_writer import InboxWriter


def delivery(name: str, payload: object = None) -> Delivery:
    return Delivery("generic", name, {"payload": payload})


def run_with_writer(
    ledger: Ledger, scenario: Callable[[InboxWriter], Awaitable], **options
) -> list[int]:
    """Run a scenario and return the sizes of the committed batches."""
    batches: list[int] = []

    async def run() -> None:
        writer = InboxWriter(ledger, on_batch=batches.append, **options)
        try:
            await scenario(writer)
        finally:
            await writer.close()

    asyncio.run(run())
    return batches


@pytest.fixture
def held_store(monkeypatch):
    """Hold the writer inside its first transaction until told to go on."""
    entered, may_go_on = threading.Event(), threading.Event()
    store = ledger_inbox.store

    def held(connection, deliveries):
        entered.set()
        assert may_go_on.wait(30)
        return store(connection, deliveries)

    monkeypatch.setattr(ledger_inbox, "store", held)

    @contextmanager
    def hold():
        try:
            yield entered
        finally:
            may_go_on.set()

    return hold


def test_what_arrives_during_a_commit_becomes_one_transaction(ledger, held_store, stored):
    async def scenario(writer: InboxWriter) -> None:
        with held_store() as entered:
            first = asyncio.create_task(writer.store(delivery("0"), size=1))
            await asyncio.to_thread(entered.wait)
            others = [
                asyncio.create_task(writer.store(delivery(str(n)), size=1)) for n in range(1, 9)
            ]
            await asyncio.sleep(0)
        assert await asyncio.gather(first, *others) == [True] * 9

    assert run_with_writer(ledger, scenario) == [1, 8]
    assert [row.event_id for row in stored()] == [str(n) for n in range(9)]


def test_one_event_twice_in_a_transaction_is_stored_once(ledger, held_store, stored):
    async def scenario(writer: InboxWriter) -> None:
        with held_store() as entered:
            first = asyncio.create_task(writer.store(delivery("first"), size=1))
            await asyncio.to_thread(entered.wait)
            twins = [asyncio.create_task(writer.store(delivery("a"), size=1)) for _ in range(2)]
            await asyncio.sleep(0)
        assert await asyncio.gather(first, *twins) == [True, True, False]

    run_with_writer(ledger, scenario)
    assert len(stored()) == 2


def test_a_delivery_that_cannot_be_stored_fails_alone(ledger, held_store, stored):
    async def scenario(writer: InboxWriter) -> None:
        with held_store() as entered:
            first = asyncio.create_task(writer.store(delivery("first"), size=1))
            await asyncio.to_thread(entered.wait)
            deliveries = [delivery("a"), delivery("bad", object()), delivery("b")]
            tasks = [asyncio.create_task(writer.store(each, size=1)) for each in deliveries]
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(first, *tasks, return_exceptions=True)
        assert outcomes[:2] == [True, True]
        assert "not JSON serializable" in str(outcomes[2])
        assert outcomes[3] is True

    run_with_writer(ledger, scenario)
    assert [row.event_id for row in stored()] == ["first", "a", "b"]


@pytest.mark.parametrize("options", [{"maximum_waiting": 2}, {"maximum_waiting_bytes": 2}])
def test_more_than_can_wait_is_refused_and_told_to_retry(ledger, held_store, stored, options):
    async def scenario(writer: InboxWriter) -> None:
        with held_store():
            tasks = [asyncio.create_task(writer.store(delivery(n), size=1)) for n in "ab"]
            await asyncio.sleep(0)
            with pytest.raises(OverloadedError) as refusal:
                await writer.store(delivery("c"), size=1)
            assert refusal.value.headers["Retry-After"]
        assert await asyncio.gather(*tasks) == [True, True]
        assert await writer.store(delivery("c"), size=1) is True

    run_with_writer(ledger, scenario, **options)
    assert [row.event_id for row in stored()] == ["a", "b", "c"]


def test_a_delivery_whose_sender_gave_up_is_not_stored(ledger, held_store, stored, monkeypatch):
    async def scenario(writer: InboxWriter) -> None:
        with held_store() as entered:
            first = asyncio.create_task(writer.store(delivery("first"), size=1))
            await asyncio.to_thread(entered.wait)
            monkeypatch.setattr(inbox_writer, "ANSWER_TIMEOUT_SECONDS", 0.01)
            with pytest.raises(LedgerBusyError):
                await writer.store(delivery("late"), size=1)
        assert await first is True

    run_with_writer(ledger, scenario)
    assert [row.event_id for row in stored()] == ["first"]


def test_closing_stores_what_waits_and_refuses_what_comes(ledger, held_store, stored):
    async def scenario(writer: InboxWriter) -> None:
        with held_store() as entered:
            tasks = [asyncio.create_task(writer.store(delivery(n), size=1)) for n in "abc"]
            await asyncio.to_thread(entered.wait)
            closing = asyncio.create_task(writer.close())
            await asyncio.sleep(0)
            with pytest.raises(OverloadedError):
                await writer.store(delivery("d"), size=1)
        await closing
        assert await asyncio.gather(*tasks) == [True] * 3

    run_with_writer(ledger, scenario)
    assert [row.event_id for row in stored()] == ["a", "b", "c"]


def test_a_full_disk_is_an_error_and_when_there_is_space_again_it_goes_on(ledger, stored):
    limit = {"pages": 1}

    @event.listens_for(ledger.engine, "begin")
    def limit_pages(connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={limit['pages']}")

    async def scenario(writer: InboxWriter) -> None:
        big = "x" * 100_000
        with pytest.raises(LedgerUnavailableError) as failure:
            await writer.store(delivery("a", big), size=1)
        assert "Free space" in failure.value.remedy
        limit["pages"] = 1_000_000
        assert await writer.store(delivery("a", big), size=1) is True

    run_with_writer(ledger, scenario)
    assert [row.event_id for row in stored()] == ["a"]
