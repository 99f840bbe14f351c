"""Send an account's posts as one piece of work: lease, event loop, report."""

import asyncio
from collections.abc import Sequence

from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.settings.telegram import TelegramSettings
from sync_assets.telegram.pacing import Pace
from sync_assets.telegram.sending import Sender
from sync_assets.telegram.settling import SendingReport

LEASE_WAIT_SECONDS = 5.0


def send_posts(  # noqa: PLR0913 - all but three are named
    settings: TelegramSettings,
    ledger: Ledger,
    partition: str,
    *,
    chat_ids: Sequence[str],
    run_id: str | None = None,
    pace: Pace | None = None,
) -> SendingReport:
    """Send what an account's outbox holds, until nothing is due or the run's time is over.

    Args:
        settings: The bot, its chats and the rules.
        ledger: The ledger.
        partition: The account.
        chat_ids: Its chats, as they are configured; posts for others wait.
        run_id: The Dagster run, for the history.
        pace: How fast Telegram takes messages; without it, as it documents.

    Returns:
        What was done.

    Raises:
        BotRejectedError: There is no bot, or its token is not valid any more.
        UnreachableError: Telegram cannot be reached.
        AnswerLostError: Its answers are lost, one after the other.
        LeaseHeldError: Another run sends this account's posts.
    """
    purpose = f"Telegram posts of {partition}, run {run_id or 'by hand'}"
    with hold_lease(
        ledger, lease_name(partition), purpose=purpose, wait_seconds=LEASE_WAIT_SECONDS
    ) as lease:
        sender = Sender(
            settings,
            ledger,
            lease,
            partition=partition,
            chat_ids=chat_ids,
            run_id=run_id,
            pace=pace,
        )
        return asyncio.run(sender.send())


def lease_name(partition: str) -> str:
    """Return the name of the lease that whoever sends an account's posts holds.

    Args:
        partition: The account.
    """
    return f"telegram:{partition}"
