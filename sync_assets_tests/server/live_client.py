"""A client of `/ws`, and what it has got."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect


class LiveClient:
    """Reads batches; `cursor` is where it would resume."""

    def __init__(self, connection: ClientConnection, wanted: Mapping[str, Any]) -> None:
        self.connection = connection
        connection.send(json.dumps({"type": "subscribe", **wanted}))
        self.first = json.loads(connection.recv(timeout=30))
        self.cursor: int = self.first["last_event_id"]
        self.updates: list[dict[str, Any]] = []

    def receive(self) -> list[dict[str, Any]]:
        """Wait for the next batch."""
        batch = json.loads(self.connection.recv(timeout=30))
        self.cursor = batch["last_event_id"]
        self.updates += batch["updates"]
        return batch["updates"]

    def receive_until(self, **wanted: Any) -> dict[str, Any]:
        """Wait for an update that has these fields."""
        while True:
            for update in self.receive():
                if all(update.get(name) == value for name, value in wanted.items()):
                    return update

    @property
    def event_ids(self) -> list[int]:
        return [update["id"] for update in self.updates if update["type"] == "event"]


@contextmanager
def live_client(
    url: str, headers: Mapping[str, str] | None = None, **wanted: Any
) -> Generator[LiveClient]:
    """Connect to a server that runs, and subscribe."""
    address = url.replace("http://", "ws://") + "/ws"
    with connect(address, additional_headers=headers, compression=None) as connection:
        yield LiveClient(connection, wanted)
