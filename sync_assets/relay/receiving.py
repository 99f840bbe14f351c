"""Receive from Telegram: into the inbox by long polling, and from the inbox into media.

An update and the offset that confirms it are written in one transaction, and Telegram is told the
offset only by the next request: whatever is killed when, nothing is lost and nothing doubled.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import INBOX, Delivery, InboxState, claim, store
from sync_assets.ledger.schema import relay_update_offsets
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay import downloads, media
from sync_assets.relay.bot_api import BotApi
from sync_assets.relay.replying import expect_reply
from sync_assets.relay.report import IntakeReport
from sync_assets.relay.updates import SOURCE, IncomingMessage, parse_update
from sync_assets.settings.relay import RelaySettings

_logger = logging.getLogger(__name__)

# After a week without updates Telegram begins at a random number, which may be lower.
_OFFSET_LASTS = timedelta(days=6)


def delivery(update: Mapping[str, Any], *, bot_id: str) -> Delivery:
    """Return an update as the inbox stores it.

    Args:
        update: As Telegram delivered it.
        bot_id: The bot; each counts its updates by itself.

    Raises:
        KeyError: It is no update.
    """
    return Delivery(SOURCE, f"{bot_id}:{int(update['update_id'])}", update)


def poll(ledger: Ledger, bot: BotApi, bot_id: str, *, wait_seconds: int = 0) -> int:
    """Ask Telegram for updates once, and store them.

    Args:
        ledger: The ledger.
        bot: The bot.
        bot_id: Its id.
        wait_seconds: How long Telegram is to wait for one.

    Returns:
        How many came.

    Raises:
        BotApiError: Telegram refused; 409 where another program receives too.
        BotUnreachableError: It does not answer.
        LedgerUnavailableError: They could not be stored; Telegram keeps them.
    """
    with ledger.read() as connection:
        offset = next_offset(connection, bot_id)
    updates = bot.get_updates(offset, wait_seconds=wait_seconds)
    if updates:
        with ledger.write() as connection:
            store(connection, [delivery(update, bot_id=bot_id) for update in updates])
            _set_offset(connection, bot_id, max(update["update_id"] for update in updates) + 1)
    return len(updates)


def next_offset(connection: Connection, bot_id: str) -> int:
    """Return the number of the first update that is not stored; 0 where that is not known.

    Args:
        connection: A transaction of the ledger.
        bot_id: The bot.
    """
    columns = relay_update_offsets.c
    query = select(columns.next_update_id).where(
        columns.bot_id == bot_id, columns.changed_at > utc_now() - _OFFSET_LASTS
    )
    return connection.execute(query).scalar() or 0


def take_in(
    ledger: Ledger, settings: RelaySettings, *, bot_id: str, run_id: str | None
) -> IntakeReport:
    """Make media of the updates that wait in the inbox, by long polling or webhook.

    Args:
        ledger: The ledger.
        settings: Who may send.
        bot_id: The bot that file ids are for.
        run_id: The Dagster run.

    Returns:
        What came in.
    """
    report = IntakeReport()
    while True:
        with ledger.write() as connection:
            # Claimed and settled in one transaction: a killed worker leaves none claimed.
            events = claim(connection, SOURCE, run_id=run_id, limit=100)
            for event in events:
                _settle(connection, event, settings, report, bot_id=bot_id, run_id=run_id)
        if not events:
            return report


def _settle(  # noqa: PLR0913 - all but four are named
    connection: Connection,
    event: AnyRow,
    settings: RelaySettings,
    report: IntakeReport,
    *,
    bot_id: str,
    run_id: str | None,
) -> None:
    try:
        message = parse_update(event.payload, bot_id=bot_id)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        report.failed += 1
        reason = f"It has not the form of an update: {type(error).__name__}."
        INBOX.transition(
            connection, event.id, InboxState.FAILED, run_id=run_id, failure_reason=reason
        )
        return
    reason = _refusal(message, settings)
    if reason is None and message is not None:
        _accept(connection, message, report, run_id=run_id)
        INBOX.transition(connection, event.id, InboxState.DONE, run_id=run_id)
        return
    report.refused += 1
    _logger.warning("An update of Telegram is ignored: %s", reason)
    INBOX.transition(connection, event.id, InboxState.FAILED, run_id=run_id, failure_reason=reason)
    INBOX.transition(connection, event.id, InboxState.IGNORED, run_id=run_id)


def _refusal(message: IncomingMessage | None, settings: RelaySettings) -> str | None:
    if message is None:
        return "It is no message."
    chat_id = message.ref.chat_id
    if message.sender_id in settings.allowed_users or chat_id in settings.allowed_chats:
        return None
    return (
        f"User {message.sender_id} in chat {chat_id} may not send. Add them to "
        "relay.allowed_users or relay.allowed_chats, and let them send it again."
    )


def _accept(
    connection: Connection, message: IncomingMessage, report: IntakeReport, *, run_id: str | None
) -> None:
    report.messages += bool(message.media)
    report.refused += not message.media
    for new in message.media:
        wanted = downloads.want(connection, new, run_id=run_id)
        report.added += wanted.is_new
        report.known += not wanted.is_new
        media.add_message(connection, message.ref, wanted.media_id, is_edit=message.is_edit)
        if message.is_edit:
            media.set_caption(connection, wanted.media_id, message.ref.caption)
    expect_reply(connection, message.ref)


def _set_offset(connection: Connection, bot_id: str, next_update_id: int) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"next_update_id": next_update_id, "changed_at": utc_now()}
    connection.execute(
        dialect.insert(relay_update_offsets)
        .values(bot_id=bot_id, **values)
        .on_conflict_do_update(index_elements=["bot_id"], set_=values)
    )
