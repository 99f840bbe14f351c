"""The receiver service: asks Telegram for updates without a pause, and stores them.

`python -m sync_assets.relay.receiver`; `scripts/run` keeps it running. Without it the runs ask by
themselves. It starts no run: the sensor does, when something waits.
"""

import logging
import signal
import sys
import threading

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger, LedgerUnavailableError
from sync_assets.ledger.leases import LeaseHeldError, LeaseLostError, hold_lease
from sync_assets.logs import configure_logging
from sync_assets.relay.bot_api import BotApi, BotApiError, BotUnreachableError
from sync_assets.relay.receiving import poll
from sync_assets.relay.worker import receiving_lease
from sync_assets.settings import Settings, load_settings
from sync_assets.telegram.client import bot_id as id_of_bot

_WAIT_SECONDS = 8
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
_CONFLICT_PAUSE_SECONDS = 30.0

_logger = logging.getLogger(__name__)


def receive(
    settings: Settings,
    ledger: Ledger,
    stopped: threading.Event,
    *,
    wait_seconds: int = _WAIT_SECONDS,
    first_pause_seconds: float = _FIRST_PAUSE_SECONDS,
) -> None:
    """Receive until told to stop.

    Args:
        settings: The configuration.
        ledger: The ledger.
        stopped: Set to stop it; it ends after the request that is under way.
        wait_seconds: How long Telegram is to hold a request back.
        first_pause_seconds: The pause after a first failure; each further one is twice as long.

    Raises:
        BotApiError: There is no bot.
    """
    token = settings.telegram.bot_token
    bot_id = id_of_bot(token) if token is not None else ""
    failures = 0
    with BotApi(settings.telegram) as bot:
        while not stopped.is_set():
            try:
                with hold_lease(ledger, receiving_lease(bot_id), purpose="receiver") as lease:
                    while not stopped.is_set():
                        lease.require()
                        poll(ledger, bot, bot_id, wait_seconds=wait_seconds)
                        failures = 0
            except (
                BotApiError,
                BotUnreachableError,
                LeaseHeldError,
                LeaseLostError,
                LedgerUnavailableError,
            ) as error:
                pause = _pause_seconds(error, first_pause_seconds * 2**failures)
                failures = min(failures + 1, 10)
                _logger.warning("Not receiving for %.0f s: %s", pause, error.message)
                stopped.wait(pause)


def _pause_seconds(error: SyncError, growing: float) -> float:
    pause = min(growing, _LONGEST_PAUSE_SECONDS)
    if isinstance(error, BotApiError) and error.status == 429:
        return max(pause, error.retry_after_seconds)
    if isinstance(error, BotApiError) and error.status == 409:
        return min(_CONFLICT_PAUSE_SECONDS, growing * 5)
    return pause


def main() -> int:
    """Run the service until it is told to end.

    Returns:
        The exit status.
    """
    settings = load_settings()
    configure_logging(settings)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    ledger = Ledger.open(settings.ledger_url)
    try:
        receive(settings, ledger, stopped)
    finally:
        ledger.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
