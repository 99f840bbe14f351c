"""The event feed: nothing lost, nothing twice, no memory for slow clients."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from sync_assets.ledger import LedgerUnavailableError
from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.tokens import Scope, create_token, revoke_token
from sync_assets.server import event_feed
from sync_assets.server.errors import OverloadedError
from sync_assets.server.event_feed import EventFeed, Subscription
from sync_assets.server.ledger_reader import LedgerReader


def append(ledger, count: int, entity: str = "item") -> None:
    with ledger.write() as connection:
        append_events(connection, [Event(entity, str(n)) for n in range(count)])


def run_with_feed(ledger, scenario: Callable[[EventFeed], Awaitable], **options) -> None:
    async def run() -> None:
        reader = LedgerReader(ledger)
        feed = EventFeed(reader.read, poll_seconds=0.005, **options)
        try:
            async with asyncio.timeout(60):
                await scenario(feed)
        finally:
            feed.close()
            reader.close()

    asyncio.run(run())


async def opened(feed: EventFeed, subscription: Subscription) -> AsyncGenerator[bytes]:
    cursor, first = await feed.start_of(subscription)
    return feed.frames(subscription, cursor, first)


async def ids_until(frames: AsyncGenerator[bytes], last: int) -> list[int]:
    ids: list[int] = []
    async for content in frames:
        ids += ids_in(content)
        if ids and ids[-1] >= last:
            break
    return ids


def ids_in(content: bytes) -> list[int]:
    return [int(line[4:]) for line in content.decode().splitlines() if line.startswith("id: ")]


def subscription(after: int | None = None, entity: str | None = None) -> Subscription:
    return Subscription(after, entity, "token")


def test_a_stream_from_the_beginning_gets_everything_in_order(ledger):
    append(ledger, 1_234)

    async def scenario(feed: EventFeed) -> None:
        with feed.stream():
            frames = await opened(feed, subscription(after=0))
            assert await ids_until(frames, 1_234) == list(range(1, 1_235))

    run_with_feed(ledger, scenario)


def test_a_stream_without_a_position_begins_now(ledger):
    append(ledger, 5)

    async def scenario(feed: EventFeed) -> None:
        with feed.stream():
            frames = await opened(feed, subscription())
            append(ledger, 2)
            assert await ids_until(frames, 7) == [6, 7]

    run_with_feed(ledger, scenario)


def test_at_the_seam_of_stored_and_new_nothing_is_lost_or_repeated(ledger):
    total = 3_000
    append(ledger, 100)

    def write_on() -> None:
        for _ in range((total - 100) // 20):
            append(ledger, 20)

    async def scenario(feed: EventFeed) -> None:
        writer = threading.Thread(target=write_on)
        writer.start()

        async def client(after: int) -> list[int]:
            await asyncio.sleep(after / 1_000)
            with feed.stream():
                return await ids_until(await opened(feed, subscription(after)), total)

        starts = range(0, 100, 7)
        received = await asyncio.gather(*(client(after) for after in starts))
        writer.join()
        for after, ids in zip(starts, received, strict=True):
            assert ids == list(range(after + 1, total + 1))

    # So few are kept that streams go to and fro between memory and the ledger.
    run_with_feed(ledger, scenario, kept_events=30)


def test_a_slow_client_reads_the_ledger_again_and_memory_stays_bounded(ledger):
    async def scenario(feed: EventFeed) -> None:
        with feed.stream():
            slow = await opened(feed, subscription(after=0))
            await anext(slow)
            for last in range(50, 1_001, 50):
                append(ledger, 50)
                await ids_until(await opened(feed, subscription(after=last - 1)), last)
                assert len(feed._kept) <= 40
            assert await ids_until(slow, 1_000) == list(range(1, 1_001))

    run_with_feed(ledger, scenario, kept_events=40)


def test_a_filter_gives_one_kind_and_passes_over_the_rest(ledger):
    append(ledger, 1_200, "noise")
    append(ledger, 1, "item")

    async def scenario(feed: EventFeed) -> None:
        with feed.stream():
            frames = await opened(feed, subscription(after=0, entity="item"))
            assert await ids_until(frames, 1_201) == [1_201]
            append(ledger, 3, "noise")
            append(ledger, 1, "item")
            assert await ids_until(
                await opened(feed, subscription(after=1_201, entity="item")), 1_205
            ) == [1_205]

    run_with_feed(ledger, scenario)


def test_an_event_has_its_id_its_kind_and_all_its_facts(ledger):
    with ledger.write() as connection:
        detail = {"path": "/a\nb\u2028é"}
        append_events(connection, [Event("item", "7", "done", "claimed", "run", detail)])

    async def scenario(feed: EventFeed) -> None:
        with feed.stream():
            frames = await opened(feed, subscription(after=0))
            assert await anext(frames) == b": connected\n\n"
            lines = (await anext(frames)).decode().split("\n")
            assert lines[0] == "event: item"
            data = json.loads(lines[1].removeprefix("data: "))
            assert data.pop("recorded_at").endswith("+00:00")
            assert data == {
                "id": 1,
                "entity": "item",
                "entity_id": "7",
                "state": "done",
                "previous_state": "claimed",
                "run_id": "run",
                "detail": {"path": "/a\nb\u2028é"},
            }
            assert lines[2:] == ["id: 1", "", ""]

    run_with_feed(ledger, scenario)


def test_an_id_that_does_not_exist_yet_resets_the_client(ledger):
    append(ledger, 3)

    async def scenario(feed: EventFeed) -> None:
        with feed.stream():
            frames = await opened(feed, subscription(after=1_000))
            first = await anext(frames)
            assert b"event: reset\n" in first
            assert ids_in(first) == [3]
            append(ledger, 1)
            assert await ids_until(frames, 4) == [4]

    run_with_feed(ledger, scenario)


@pytest.mark.parametrize(
    ("user", "seen"), [("alice", [1, 2, 4]), ("bob", [1, 3, 4]), (None, [1, 2, 3, 4])]
)
@pytest.mark.parametrize("kept_events", [0, 10])
def test_what_is_a_users_matter_goes_to_nobody_else(ledger, user, seen, kept_events):
    async def scenario(feed: EventFeed) -> None:
        with feed.stream():
            frames = await opened(feed, Subscription(0, None, "token", user))
            await anext(frames)
            with ledger.write() as connection:
                owners = (None, "alice", "bob", None)
                append_events(connection, [Event("item", "1", owner=each) for each in owners])
            assert await ids_until(frames, 4) == seen

    run_with_feed(ledger, scenario, kept_events=kept_events)


def test_a_silent_stream_gets_heartbeats(ledger):
    async def scenario(feed: EventFeed) -> None:
        with feed.stream():
            frames = await opened(feed, subscription())
            assert [await anext(frames) for _ in range(3)][1:] == [b": heartbeat\n\n"] * 2

    run_with_feed(ledger, scenario, heartbeat_seconds=0.02)


def test_a_revoked_token_ends_its_stream(ledger):
    async def scenario(feed: EventFeed) -> None:
        with ledger.write() as connection:
            token, _ = create_token(connection, "a", Scope.USER)
        with feed.stream():
            frames = await opened(feed, Subscription(None, None, token.id))
            await anext(frames)
            with ledger.write() as connection:
                revoke_token(connection, token.id)
            async for _ in frames:
                pass

    run_with_feed(ledger, scenario)


def test_streams_end_when_the_server_stops_and_no_new_ones_begin(ledger):
    async def scenario(feed: EventFeed) -> None:
        with feed.stream():
            frames = await opened(feed, subscription())
            await anext(frames)
            waiting = asyncio.ensure_future(anext(frames, None))
            await asyncio.sleep(0.01)
            feed.close()
            assert await waiting is None
        with pytest.raises(OverloadedError), feed.stream():
            pass

    run_with_feed(ledger, scenario)


def test_the_ledger_is_polled_only_while_there_are_streams(ledger):
    async def scenario(feed: EventFeed) -> None:
        assert feed._poller is None
        with feed.stream(), feed.stream():
            assert feed.streams == 2
            assert feed._poller is not None
        assert feed._poller is None
        assert feed.streams == 0

    run_with_feed(ledger, scenario)


def test_there_is_a_bound_on_streams(ledger, monkeypatch):
    monkeypatch.setattr(event_feed, "MAXIMUM_STREAMS", 1)

    async def scenario(feed: EventFeed) -> None:
        with feed.stream(), pytest.raises(OverloadedError), feed.stream():
            pass

    run_with_feed(ledger, scenario)


def test_a_stream_survives_a_ledger_that_fails_for_a_while(ledger):
    async def scenario() -> None:
        reader = LedgerReader(ledger)
        broken = False

        async def read(function):
            if broken:
                raise LedgerUnavailableError("gone", remedy="wait")
            return await reader.read(function)

        feed = EventFeed(read, poll_seconds=0.005, kept_events=5)
        with feed.stream():
            frames = await opened(feed, subscription(after=0))
            await anext(frames)
            broken = True
            append(ledger, 20)
            waiting = asyncio.ensure_future(ids_until(frames, 20))
            await asyncio.sleep(0.05)
            broken = False
            async with asyncio.timeout(30):
                assert await waiting == list(range(1, 21))
        reader.close()

    asyncio.run(scenario())
