"""A thousand clients of `/ws` that only count what they get.

As plain as it can be, so that the machine is left to the server: bytes over asyncio protocols. It
runs as a process of its own: `python -m sync_assets_tests.benchmarks.live_clients`, with its orders
as JSON on standard input. It prints a line when all clients are subscribed, and the counts when
its standard input ends.
"""

import asyncio
import base64
import json
import os
import resource
import sys
from dataclasses import dataclass
from typing import Any

import uvloop

_EVENT = b'"type":"event"'


@dataclass
class Orders:
    """Whom to ask.

    Attributes:
        port: The server's port on 127.0.0.1.
        token: A token of the scope `user`.
        clients: How many at once.
    """

    port: int
    token: str
    clients: int


class _Client(asyncio.Protocol):
    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        # uvloop's transports have asyncio's methods, and are not of its classes.
        self._transport: Any = None
        self.events = 0
        self.is_lost = False
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._transport.write(
            b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n"
            b"Authorization: Bearer %b\r\n\r\n"
            % (base64.b64encode(os.urandom(16)), self._orders.token.encode())
        )

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 101"):
            self._transport.write(_masked(b'{"type": "subscribe"}'))
        self.events += data.count(_EVENT)
        if b'"ready"' in data and not self.subscribed.done():
            self.subscribed.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if not self.subscribed.done():
            self.subscribed.set_exception(ConnectionError("the server closed the connection"))


def _masked(text: bytes) -> bytes:
    """A short text frame of a client (RFC 6455, section 5.2), masked with zeros."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text


async def _run(orders: Orders) -> dict[str, int]:
    loop = asyncio.get_running_loop()
    clients = []
    for _ in range(orders.clients):
        _, client = await loop.create_connection(lambda: _Client(orders), "127.0.0.1", orders.port)
        await client.subscribed
        clients.append(client)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    return {
        "received": sum(client.events for client in clients),
        "least": min(client.events for client in clients),
        "lost": sum(client.is_lost for client in clients),
    }


if __name__ == "__main__":
    orders = Orders(**json.loads(sys.stdin.readline()))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, orders.clients + 200), hard))
    print(json.dumps(uvloop.run(_run(orders))), flush=True)
