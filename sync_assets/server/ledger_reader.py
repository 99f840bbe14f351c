"""Read the ledger off the event loop, for no longer than a caller waits."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection

from sync_assets.ledger import Ledger, LedgerUnavailableError
from sync_assets.server.errors import LedgerBusyError

LEDGER_TIMEOUT_SECONDS = 10.0
"""Senders of webhooks give up after about as long."""

_READER_THREADS = 4

Answer = TypeVar("Answer")
logger = logging.getLogger(__name__)


class LedgerReader:
    """Reads the ledger off the event loop, for no longer than a caller waits.

    Args:
        ledger: The ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._threads = ThreadPoolExecutor(_READER_THREADS, thread_name_prefix="ledger-reader")
        self._is_available = True

    async def read(self, function: Callable[[Connection], Answer]) -> Answer:
        """Run a function within one reading transaction.

        Args:
            function: Gets the connection.

        Returns:
            What the function returned.

        Raises:
            LedgerUnavailableError: The ledger cannot be read, or not in time.
        """

        def within_transaction() -> Answer:
            with self._ledger.read() as connection:
                return function(connection)

        try:
            answer = await self.call(within_transaction)
        except LedgerUnavailableError as error:
            if self._is_available:
                logger.warning("%s", error)
            self._is_available = False
            raise
        self._is_available = True
        return answer

    async def call(self, function: Callable[[], Answer]) -> Answer:
        """Run a function that reads the ledger itself.

        Args:
            function: Takes no arguments.

        Returns:
            What the function returned.

        Raises:
            LedgerBusyError: It did not return in time.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(LEDGER_TIMEOUT_SECONDS):
                return await loop.run_in_executor(self._threads, function)
        except TimeoutError:
            raise LedgerBusyError from None

    def close(self) -> None:
        """Wait for the reads under way and stop the threads."""
        self._threads.shutdown()
