"""Store deliveries in the inbox by group commit: one transaction for all that wait.

A commit costs a disk flush, ten milliseconds on some disks, however many rows it holds. One
thread writes whatever has arrived while the previous commit was under way, so that the rate grows
with the load, and nobody waits for others that may come.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sync_assets.ledger import Ledger, LedgerUnavailableError
from sync_assets.ledger import inbox as ledger_inbox
from sync_assets.ledger.inbox import Delivery
from sync_assets.server.errors import LedgerBusyError, OverloadedError

MAXIMUM_BATCH = 256
MAXIMUM_WAITING = 1_000
MAXIMUM_WAITING_BYTES = 64 * 1024 * 1024
ANSWER_TIMEOUT_SECONDS = 10.0

Outcome = bool | Exception
"""Whether the delivery was new, or why it could not be stored."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Waiting:
    delivery: Delivery
    size: int
    answer: asyncio.Future[bool]


class InboxWriter:
    """The one thread of the server that writes to the inbox.

    Args:
        ledger: The ledger.
        on_batch: Called with the size of each committed batch.
        maximum_waiting: Deliveries that may wait at once.
        maximum_waiting_bytes: The memory that their bodies may take.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        on_batch: Callable[[int], None],
        maximum_waiting: int = MAXIMUM_WAITING,
        maximum_waiting_bytes: int = MAXIMUM_WAITING_BYTES,
    ) -> None:
        self._ledger = ledger
        self._on_batch = on_batch
        self._maximum_waiting = maximum_waiting
        self._maximum_waiting_bytes = maximum_waiting_bytes
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._waiting = 0
        self._waiting_bytes = 0
        self._is_closed = False
        self._ledger_works = True
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="inbox-writer")
        self._thread.start()

    async def store(self, delivery: Delivery, *, size: int) -> bool:
        """Store a delivery; returns when it is on disk.

        Args:
            delivery: The event.
            size: The length of its body, for the bound on memory.

        Returns:
            True where it is new, False where it was stored before.

        Raises:
            OverloadedError: Too much waits already, or the server is stopping.
            LedgerUnavailableError: It could not be written, or not in time.
        """
        if self._is_closed:
            raise OverloadedError(
                "The server is stopping.", remedy="Send the event again in a few seconds."
            )
        if (
            self._waiting >= self._maximum_waiting
            or self._waiting_bytes + size > self._maximum_waiting_bytes
        ):
            raise OverloadedError(
                f"{self._waiting} events are waiting to be stored.",
                remedy="Send the event again in a few seconds.",
            )
        waiting = _Waiting(delivery, size, self._loop.create_future())
        self._waiting += 1
        self._waiting_bytes += size
        self._queue.put(waiting)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                return await waiting.answer
        except TimeoutError:
            raise LedgerBusyError from None

    async def close(self) -> None:
        """Accept nothing more, store what waits, and stop the thread."""
        self._is_closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        is_last = False
        while not is_last:
            batch, is_last = self._take()
            # Whoever gave up waiting was told that nothing was stored, and sends again.
            wanted = [waiting for waiting in batch if not waiting.answer.cancelled()]
            outcomes = self._store([waiting.delivery for waiting in wanted]) if wanted else []
            answered = dict(zip(map(id, wanted), outcomes, strict=True))
            self._loop.call_soon_threadsafe(self._answer, batch, answered)

    def _take(self) -> tuple[list[_Waiting], bool]:
        """Wait for deliveries; the flag says that no more will come."""
        batch: list[_Waiting] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) == MAXIMUM_BATCH:
                return batch, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _store(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        try:
            with self._ledger.write() as connection:
                ids = ledger_inbox.store(connection, deliveries)
        except LedgerUnavailableError as error:
            if self._ledger_works:
                logger.error("%s", error)  # noqa: TRY400 - its cause is in the message
            self._ledger_works = False
            return [error] * len(deliveries)
        except Exception as error:  # noqa: BLE001 - whatever one delivery does, the thread goes on
            if len(deliveries) == 1:
                return [error]
            # One of them is at fault: alone, each of the others succeeds.
            return [self._store([delivery])[0] for delivery in deliveries]
        self._ledger_works = True
        self._on_batch(len(deliveries))
        return [row_id is not None for row_id in ids]

    def _answer(self, batch: Sequence[_Waiting], answered: dict[int, Outcome]) -> None:
        for waiting in batch:
            self._waiting -= 1
            self._waiting_bytes -= waiting.size
            if waiting.answer.done():
                continue
            outcome = answered[id(waiting)]
            if isinstance(outcome, Exception):
                waiting.answer.set_exception(outcome)
            else:
                waiting.answer.set_result(outcome)
