"""Send an account's posts in a Dagster run: glue between Dagster and `posting`."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from sync_assets.errors import SyncError
from sync_assets.failures import failing_step
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import LeaseHeldError
from sync_assets.logs import stage
from sync_assets.settings import Settings
from sync_assets.telegram.pacing import rest
from sync_assets.telegram.posting import send_posts
from sync_assets.telegram.reporting import Reporter
from sync_assets.telegram.settling import SendingReport
from sync_assets.telegram.tables import chat_table


def send_for_run(
    context: dg.AssetExecutionContext,
    settings: Settings,
    ledger: Ledger,
    chats: Mapping[str, Sequence[str]],
) -> dg.MaterializeResult:
    """Send what the outbox of a run's account holds.

    Args:
        context: The asset's context; its partition is the account.
        settings: The whole configuration.
        ledger: The ledger.
        chats: The chats of each account.

    Returns:
        The asset's result, with its numbers as metadata.

    Raises:
        dagster.Failure: Telegram is not configured, refuses the bot, or cannot be reached.
    """
    if not settings.telegram.is_configured:
        raise dg.Failure(
            description="Telegram is not configured. Set telegram.bot_token and telegram.chat_ids "
            "in sync.toml; sync.example.toml shows them.",
            allow_retries=False,
        )
    account = context.partition_key
    run_id, chat_ids = context.run.run_id, chats.get(account, ())
    reporter = Reporter(settings, ledger, run_id=run_id, partition=account, chat_ids=chat_ids)
    started_at = time.monotonic()

    def report_failure(error: Exception) -> None:
        reporter.failed(error)
        if isinstance(error, SyncError):
            rest(ledger, settings.telegram)

    with failing_step(report_failure, account):
        try:
            with stage(context, context.asset_key.to_user_string(), partition=account) as logged:
                report = send_posts(
                    settings.telegram, ledger, account, chat_ids=chat_ids, run_id=run_id
                )
                logged.update(sent=report.sent, failed=report.failed, unknown=report.unknown)
        except LeaseHeldError as error:
            # The other run sends what this one was to send.
            return dg.MaterializeResult(metadata={"sent": 0, "left_to": error.message})
    numbers = reporter.succeeded(report)
    seconds = round(time.monotonic() - started_at, 3)
    return dg.MaterializeResult(metadata={**numbers, **_notes(report), "seconds": seconds})


def _notes(report: SendingReport) -> dict[str, Any]:
    if not report.paused and not report.problems:
        return {}
    return {"chats": dg.MetadataValue.md(chat_table(report))}
