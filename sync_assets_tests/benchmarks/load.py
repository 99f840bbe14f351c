"""Send webhooks as fast as the answers come, over keep-alive connections.

As plain as it can be, so that it measures the server and not itself: bytes over asyncio
protocols, one request at a time per connection. It runs as a process of its own:
`python -m sync_assets_tests.benchmarks.load`, with its orders as JSON on standard input.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop

_HEADERS_END = b"\r\n\r\n"


@dataclass
class Orders:
    """What to send.

    Attributes:
        port: The server's port on 127.0.0.1.
        token: A token for the webhook.
        seconds: How long.
        connections: How many at once.
        prefix: What the events' ids begin with.
    """

    port: int
    token: str
    seconds: float
    connections: int = 16
    prefix: str = "event"


@dataclass
class Outcome:
    """What came back.

    Attributes:
        latencies: Seconds from request to answer, of the acknowledged ones.
        acknowledged: Ids that were answered with 200.
        unacknowledged: Ids that were sent and not answered: stored or not.
        refused: How many were answered with something else.
        seconds: How long it took.
    """

    latencies: list[float] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    unacknowledged: list[str] = field(default_factory=list)
    refused: int = 0
    seconds: float = 0.0


class _Sender(asyncio.Protocol):
    def __init__(self, orders: Orders, name: str, outcome: Outcome, deadline: float) -> None:
        self._orders = orders
        self._name = name
        self._outcome = outcome
        self._deadline = deadline
        self._count = 0
        self._buffer = b""
        self._id: str | None = None
        self._sent_at = 0.0
        # uvloop's transports have asyncio's methods, and are not of its classes.
        self._transport: Any = None
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(_HEADERS_END)
        if not end:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        if head.startswith(b"HTTP/1.1 200") and self._id is not None:
            self._outcome.latencies.append(time.perf_counter() - self._sent_at)
            self._outcome.acknowledged.append(self._id)
        else:
            self._outcome.refused += 1
        self._buffer, self._id = b"", None
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._id is not None:
            self._outcome.unacknowledged.append(self._id)
        if not self.finished.done():
            self.finished.set_result(None)

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        if self._sent_at >= self._deadline:
            self._transport.close()
            return
        self._count += 1
        self._id = f"{self._orders.prefix}-{self._name}-{self._count}"
        body = (
            f'{{"id": "{self._id}", "action": "created", "path": "/media/films/'
            f'A Film ({1900 + self._count % 100})/A Film.mkv", "size": 4294967296}}'
        ).encode()
        self._transport.write(
            b"POST /api/v1/webhook/generic HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/json\r\nAuthorization: Bearer %b\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (self._orders.token.encode(), len(body), body)
        )


async def send_load(orders: Orders) -> Outcome:
    """Send until the time is over or the server is gone."""
    outcome = Outcome()
    loop = asyncio.get_running_loop()
    started_at = time.perf_counter()
    deadline = started_at + orders.seconds
    senders = []
    for index in range(orders.connections):
        try:
            _, sender = await loop.create_connection(
                lambda name=str(index): _Sender(orders, name, outcome, deadline),
                "127.0.0.1",
                orders.port,
            )
        except OSError:
            break
        senders.append(sender)
    async with asyncio.timeout(orders.seconds + 30):
        await asyncio.gather(*(sender.finished for sender in senders))
    outcome.seconds = time.perf_counter() - started_at
    return outcome


if __name__ == "__main__":
    orders = Orders(**json.load(sys.stdin))
    json.dump(vars(uvloop.run(send_load(orders))), sys.stdout)
