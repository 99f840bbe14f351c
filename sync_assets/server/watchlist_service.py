"""The parts of the watchlist that run beside the requests: who asks providers, and Dagster."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from sync_assets.ledger import Ledger
from sync_assets.server.check_launcher import CheckLauncher
from sync_assets.server.dagster_client import DagsterClient
from sync_assets.server.errors import OverloadedError
from sync_assets.settings import Settings
from sync_assets.watchlist.access import ProviderAccess
from sync_assets.watchlist.posters import PosterCache

MOST_QUESTIONS = 8
"""How many users may wait for providers at a time: each holds a thread."""

Answer = TypeVar("Answer")


class WatchlistService:
    """What the routers of the watchlist share while the server runs.

    Args:
        settings: The configuration.
        ledger: The ledger.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.settings = settings.watchlist
        self.access = ProviderAccess(settings.watchlist, ledger)
        self.dagster = DagsterClient(settings)
        self.checks = CheckLauncher(ledger, self.dagster)
        self.posters = PosterCache(settings.home / "posters", self.access.guard)
        self._questions = threading.BoundedSemaphore(MOST_QUESTIONS)

    async def asking(self, function: Callable[[ProviderAccess], Answer]) -> Answer:
        """Run a function that may ask providers, off the event loop.

        Args:
            function: Gets what reaches providers.

        Raises:
            OverloadedError: Too many others wait for providers.
        """
        if not self._questions.acquire(blocking=False):
            raise OverloadedError(
                "Too many requests wait for providers.", remedy="Send the request again later."
            )
        try:
            return await asyncio.to_thread(function, self.access)
        finally:
            self._questions.release()
