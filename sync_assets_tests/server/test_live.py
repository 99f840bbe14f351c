"""What the WebSocket's parts do where a real client cannot easily lead."""

import asyncio
from typing import Any

import pytest
from starlette.websockets import WebSocket

from sync_assets.ledger.events import Event, append_events
from sync_assets.relay import enqueue
from sync_assets.server.ledger_reader import LedgerReader
from sync_assets.server.live import websocket
from sync_assets.server.live.event_feed import EventFeed
from sync_assets.server.live.frames import Subscription
from sync_assets.server.live.websocket import TRY_AGAIN, ClosedError


def test_a_client_that_reads_too_slowly_is_dropped_with_a_reason(monkeypatch):
    monkeypatch.setattr(websocket, "SEND_SECONDS", 0.01)

    async def batches():
        yield "text"

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        if message["type"] == "websocket.send":
            await asyncio.Event().wait()

    async def scenario() -> None:
        slow = WebSocket({"type": "websocket", "headers": []}, receive, send)
        await slow.accept()
        with pytest.raises(ClosedError) as closed:
            await websocket._send(slow, batches())
        assert closed.value.code == TRY_AGAIN
        assert len(closed.value.reason.encode()) <= 123

    asyncio.run(scenario())


def test_clients_that_are_at_one_place_get_the_same_text(ledger):
    async def scenario() -> None:
        reader = LedgerReader(ledger)
        feed = EventFeed(reader.read, poll_seconds=0.005)
        wanted = Subscription(None, None, "token", with_transfers=True)

        async def first_event(client) -> str:
            async for text in client:
                if '"type":"event"' in text:
                    return text
            raise AssertionError

        async with asyncio.timeout(60):
            with feed.stream(with_transfers=True):
                cursor, _ = await feed.begin(wanted)
                clients = [feed.batches(wanted, cursor) for _ in range(5)]
                waiting = [asyncio.ensure_future(first_event(client)) for client in clients]
                await asyncio.sleep(0.1)
                with ledger.write() as connection:
                    append_events(connection, [Event("item", "1")])
                texts = await asyncio.gather(*waiting)
                assert len({id(text) for text in texts}) == 1
        feed.close()
        reader.close()

    asyncio.run(scenario())


def test_server_sent_events_have_transfers_where_that_is_wanted(ledger):
    with ledger.write() as connection:
        download_id = enqueue(connection, source="test", link="http://h/a").download_id

    async def scenario() -> None:
        reader = LedgerReader(ledger)
        feed = EventFeed(reader.read, poll_seconds=0.005)
        for with_transfers in (True, False):
            wanted = Subscription(0, "relay_download", "token", with_transfers=with_transfers)
            with feed.stream(with_transfers=with_transfers):
                frames = feed.frames(wanted, *await feed.start_of(wanted))
                await anext(frames)
                content = (await anext(frames)).decode()
                assert ("event: download\n" in content) is with_transfers
                assert f'"entity_id": "{download_id}"' in content
        feed.close()
        reader.close()

    asyncio.run(scenario())
