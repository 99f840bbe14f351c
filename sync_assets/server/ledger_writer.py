"""Write to the ledger off the event loop, one transaction after another."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection

from sync_assets.ledger import Ledger, LedgerUnavailableError
from sync_assets.server.errors import LedgerBusyError

WRITE_TIMEOUT_SECONDS = 10.0

Answer = TypeVar("Answer")
logger = logging.getLogger(__name__)


class LedgerWriter:
    """Writes what users want. The ledger has one writer, so one thread is enough.

    Args:
        ledger: The ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-writer")

    async def write(self, function: Callable[[Connection], Answer]) -> Answer:
        """Run a function within one writing transaction; returns when it is committed.

        Args:
            function: Gets the connection. Whatever it raises undoes all of it.

        Returns:
            What the function returned.

        Raises:
            LedgerUnavailableError: The ledger cannot be written, or not in time. What was too
                late may be written all the same: only what can be repeated may be written here.
        """

        def within_transaction() -> Answer:
            with self._ledger.write() as connection:
                return function(connection)

        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
                return await loop.run_in_executor(self._thread, within_transaction)
        except TimeoutError:
            raise LedgerBusyError from None
        except LedgerUnavailableError as error:
            logger.warning("%s", error)
            raise

    def close(self) -> None:
        """Wait for what is being written and stop the thread."""
        self._thread.shutdown()
