"""Bring in what a plan says: for other domains, by clients of the API, by messages to the bot."""

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from sync_assets import relay
from sync_assets_tests.chaos.plan import Arrival, Way
from sync_assets_tests.chaos.stage import Stage

_BYTES_PER_SECOND = 600_000
_CLIENTS = 2
_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 180.0


@dataclass(frozen=True)
class _Order:
    content: Mapping[str, Any]
    repeats: int


class Orders:
    """Clients of the API, for the length of a `with` block: each order until it is acknowledged.

    Args:
        url: The address that orders go to.
        token: A bearer token.
    """

    def __init__(self, url: str, token: str) -> None:
        self.acknowledged: dict[str, int] = {}
        self.problems: list[str] = []
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._queue: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(_CLIENTS)]
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self.finish()

    def place(self, content: Mapping[str, Any], *, repeats: int) -> None:
        """Let a client place an order, and then again as often as said."""
        self._queue.put(_Order(content, repeats))

    def finish(self) -> None:
        """Wait until all orders are acknowledged."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(_PATIENCE_SECONDS)

    def _work(self) -> None:
        with httpx.Client(headers=self._headers, timeout=10, trust_env=False) as client:
            while (order := self._queue.get()) is not None:
                for _ in range(1 + order.repeats):
                    self._place(client, order.content)

    def _place(self, client: httpx.Client, content: Mapping[str, Any]) -> None:
        while not self._stopped.is_set():
            try:
                answer = client.post(self._url, json=content)
            except httpx.HTTPError:
                time.sleep(_PAUSE_SECONDS)
                continue
            if answer.is_success:
                self._note(content["link"], answer.json()["medium"]["id"])
                return
            if answer.status_code < 500:
                self.problems.append(f"an order is refused with {answer.status_code}")
                return
            time.sleep(_PAUSE_SECONDS)

    def _note(self, link: str, medium: int) -> None:
        known = self.acknowledged.setdefault(link, medium)
        if known != medium:
            self.problems.append(f"{link} is medium {known}, and then medium {medium}")


class Intake:
    """Brings arrivals in.

    Args:
        stage: Where.
        orders: The clients of the API.
        arrivals: All that are to come.
    """

    def __init__(self, stage: Stage, orders: Orders, arrivals: Sequence[Arrival]) -> None:
        self._stage = stage
        self._orders = orders
        self._arrivals = arrivals
        self.updates: list[int] = []
        for arrival in arrivals:
            if arrival.way is not Way.TELEGRAM:
                path = f"/{arrival.key}.mkv"
                stage.origin.add(path, arrival.content, bytes_per_second=_BYTES_PER_SECOND)

    def wanted_by_domain(self) -> None:
        """Bring in what another domain of the project wants."""
        with self._stage.ledger.write() as connection:
            for arrival in self._arrivals:
                if arrival.way is Way.DOMAIN:
                    relay.enqueue(
                        connection, source="test", link=self._link(arrival), name=arrival.name
                    )

    def with_disturbance(self, step: int) -> None:
        """Bring in what comes with a disturbance.

        Args:
            step: Its number.
        """
        for arrival in self._arrivals:
            if arrival.step != step:
                continue
            if arrival.way is Way.API:
                order = {"link": self._link(arrival), "name": arrival.name}
                self._orders.place(order, repeats=arrival.repeats)
            elif arrival.way is Way.TELEGRAM:
                self._send(arrival)

    def acknowledged_updates(self) -> Sequence[int]:
        """Return the updates of which Telegram was told that they have arrived."""
        waiting = {update["update_id"] for update in self._stage.telegram.incoming.waiting()}
        return [update_id for update_id in self.updates if update_id not in waiting]

    def _link(self, arrival: Arrival) -> str:
        return f"{self._stage.origin.url}/{arrival.key}.mkv"

    def _send(self, arrival: Arrival) -> None:
        """Send a file to the bot, as often as it comes, and edit its first message."""
        incoming = self._stage.telegram.incoming
        chat = {"id": arrival.chat, "type": "private"}
        for _ in range(1 + arrival.repeats):
            file = incoming.add_file(
                arrival.key, arrival.content, bytes_per_second=_BYTES_PER_SECOND
            )
            document = {**file, "file_name": arrival.name}
            message = incoming.receive(chat=chat, document=document, caption="a file")
            self.updates.append(message)
        if arrival.is_edited:
            self.updates.append(
                incoming.receive(
                    "edited_message",
                    message_id=message,
                    chat=chat,
                    document=document,
                    caption=f"edited {arrival.key}",
                )
            )
