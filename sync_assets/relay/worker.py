"""The worker: receives, downloads, uploads and answers until everything is at rest.

Or until its time is over.

Plain Python: a Dagster run, a test or a command line drives the same worker, alone by its lease.
"""

import logging
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager

from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import LeaseHeldError, hold_lease
from sync_assets.ledger.secrets import load_key
from sync_assets.relay.aria2.source import open_aria2
from sync_assets.relay.bot_api import BotApi, BotApiError, BotUnreachableError
from sync_assets.relay.engine.downloading import Downloader
from sync_assets.relay.engine.reach import address_guards
from sync_assets.relay.gateway import serve_gateway
from sync_assets.relay.models import LEASE_NAME
from sync_assets.relay.rclone.source import open_rclone
from sync_assets.relay.receiving import poll, take_in
from sync_assets.relay.replying import Replier
from sync_assets.relay.report import RelayReport
from sync_assets.relay.resting import drive_to_rest
from sync_assets.relay.uploading.opening import open_targets
from sync_assets.relay.uploading.uploader import Uploader
from sync_assets.relay.verified_files import VerifiedFiles
from sync_assets.settings import Settings
from sync_assets.settings.relay import ReceiveMode
from sync_assets.telegram.client import bot_id as id_of_bot

_EVERY_SECONDS = 2.0
# Telegram takes one message per second in a chat.
_LAST_REPLIES_WAIT_SECONDS = 3.0

_logger = logging.getLogger(__name__)


def receiving_lease(bot_id: str) -> str:
    """Return the lease of whoever polls for a bot: Telegram answers only one.

    Args:
        bot_id: The bot.
    """
    return f"relay receiver {bot_id}"


def drive(
    settings: Settings, ledger: Ledger, *, run_id: str | None, seconds: float | None = None
) -> RelayReport:
    """Drive everything to rest.

    Args:
        settings: The configuration.
        ledger: The ledger.
        run_id: The Dagster run; None from a command line.
        seconds: The most time it may take; without it, the configured time.

    Returns:
        What was done.

    Raises:
        LeaseHeldError: Another worker is at work; it does what this one was to do.
        LeaseLostError: Another worker may be at work by now.
        Aria2StartError: aria2 does not start.
        Aria2UnreachableError: A configured aria2 does not answer.
        LedgerUnavailableError: The ledger cannot be written.
    """
    report = RelayReport()
    budget = settings.relay.max_run_seconds if seconds is None else seconds
    with (
        hold_lease(ledger, LEASE_NAME, purpose=f"run {run_id}") as lease,
        ExitStack() as stack,
    ):
        telegram = stack.enter_context(_telegram(settings, ledger, report, run_id=run_id))
        gateway = None
        if telegram is not None:
            gateway = stack.enter_context(
                serve_gateway(
                    ledger,
                    telegram.bot,
                    load_key(settings.home),
                    port=settings.relay.gateway_port,
                )
            )
        rclone = stack.enter_context(open_rclone(settings))
        verified_files = VerifiedFiles()
        targets = open_targets(
            settings,
            ledger,
            rclone,
            telegram.bot if telegram else None,
            verified_files=verified_files,
        )
        uploader = stack.enter_context(Uploader(settings.relay, ledger, targets, run_id=run_id))
        report.uploads = uploader.report
        aria2 = stack.enter_context(open_aria2(settings))
        downloader = stack.enter_context(
            Downloader(
                settings.relay,
                ledger,
                aria2,
                gateway=gateway,
                guards=address_guards(settings.relay, settings.watchlist),
                run_id=run_id,
                verified_files=verified_files,
            )
        )
        report.downloads = downloader.report

        def between_steps() -> bool:
            lease.require()
            return telegram is not None and telegram.attend()

        between_steps()
        drive_to_rest([downloader, uploader], seconds=budget, between_steps=between_steps)
        if telegram is not None:
            telegram.finish()
    return report


class TelegramSide:
    """What a worker does with Telegram between the steps of its downloads.

    Args:
        settings: The configuration.
        ledger: The ledger.
        bot: The bot.
        report: Where it is counted.
        run_id: The Dagster run.
        polls: Whether this worker asks for updates; else somebody else does, or a webhook.
    """

    def __init__(  # noqa: PLR0913 - all but four are named
        self,
        settings: Settings,
        ledger: Ledger,
        bot: BotApi,
        report: RelayReport,
        *,
        run_id: str | None,
        polls: bool,
    ) -> None:
        self.bot = bot
        self._settings = settings
        self._ledger = ledger
        self._report = report
        self._run_id = run_id
        self._polls = polls
        token = settings.telegram.bot_token
        self._bot_id = id_of_bot(token) if token is not None else ""
        self._replier = Replier(ledger, bot, self._bot_id)
        self._attended_at: float | None = None

    def attend(self) -> bool:
        """Receive and answer, every few seconds.

        Returns:
            Whether new media came.
        """
        now = time.monotonic()
        if self._attended_at is not None and now - self._attended_at < _EVERY_SECONDS:
            return False
        self._attended_at = now
        return self._attend(maximum_wait_seconds=0.0)

    def finish(self) -> None:
        """Answer with what is true at the end."""
        self._attend(maximum_wait_seconds=_LAST_REPLIES_WAIT_SECONDS)

    def _attend(self, *, maximum_wait_seconds: float) -> bool:
        if self._polls:
            self._try(lambda: poll(self._ledger, self.bot, self._bot_id))
        relay = self._settings.relay
        taken = take_in(self._ledger, relay, bot_id=self._bot_id, run_id=self._run_id)
        for name, count in vars(taken).items():
            setattr(self._report.intake, name, getattr(self._report.intake, name) + count)
        if relay.replies:
            self._report.replies += self._replier.reply(maximum_wait_seconds=maximum_wait_seconds)
        return taken.added > 0

    def _try(self, receive: Callable[[], int]) -> None:
        try:
            receive()
        except (BotApiError, BotUnreachableError) as error:
            # Downloads go on without Telegram; what was sent meanwhile waits there.
            if error.message not in self._report.problems:
                self._report.problems.append(error.message)
                _logger.warning("%s", error)


@contextmanager
def _telegram(
    settings: Settings, ledger: Ledger, report: RelayReport, *, run_id: str | None
) -> Generator[TelegramSide | None]:
    if settings.telegram.bot_token is None:
        yield None
        return
    with BotApi(settings.telegram) as bot, ExitStack() as stack:
        polls = settings.relay.receive is ReceiveMode.POLLING
        if polls:
            name = receiving_lease(id_of_bot(settings.telegram.bot_token))
            try:
                stack.enter_context(hold_lease(ledger, name, purpose=f"run {run_id}"))
            except LeaseHeldError:
                # The receiver service polls; what it stores is taken in here all the same.
                polls = False
        yield TelegramSide(settings, ledger, bot, report, run_id=run_id, polls=polls)
