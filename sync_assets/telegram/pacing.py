"""How fast a bot may post: per chat, per group and overall, kept in the ledger.

https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this: one message per
second in a chat, 20 per minute in a group, 30 per second overall. Every item of an album counts.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import RateLimit, block, read_budgets, reserve
from sync_assets.settings.telegram import TelegramSettings
from sync_assets.telegram.chats import current_chat_id
from sync_assets.telegram.client import bot_id


@dataclass(frozen=True)
class Pace:
    """What Telegram allows, messages per seconds.

    Attributes:
        per_chat: In one chat.
        per_group: In one group or channel, besides.
        overall: In all chats together.
    """

    per_chat: tuple[int, float] = (1, 1.0)
    # A little slower than allowed: requests do not all take the same time to arrive.
    per_group: tuple[int, float] = (20, 61.0)
    overall: tuple[int, float] = (30, 1.0)


class Pacer:
    """Reserves messages of one bot, together with all other processes.

    Args:
        ledger: Holds the budgets, so that a restart forgets nothing.
        bot: The bot's id.
        pace: What Telegram allows.
    """

    def __init__(self, ledger: Ledger, bot: str, pace: Pace) -> None:
        self._ledger = ledger
        self._bot_id = bot
        self._pace = pace
        self._arrived: dict[str, list[tuple[float, int]]] = {}

    def reserve(self, chat_id: str, count: int, *, maximum_wait_seconds: float) -> float:
        """Reserve messages in a chat.

        Args:
            chat_id: The chat.
            count: How many messages; every item of an album is one.
            maximum_wait_seconds: The longest wait that is acceptable.

        Returns:
            Seconds to wait before sending.

        Raises:
            RateBudgetExhaustedError: The chat is blocked, or busy, for longer than that.
        """
        reserved = [
            reserve(self._ledger, limit, count=count, maximum_wait_seconds=maximum_wait_seconds)
            for limit in self._limits(chat_id)
        ]
        return max(*reserved, self._wait_after_arrivals(chat_id, count))

    def arrived(self, chat_id: str, count: int) -> None:
        """Say that a request has ended: Telegram counts messages when they arrive.

        The budgets count from when a request begins, and a large upload arrives much later. They
        also hold a mean only, where Telegram holds each minute of a group.

        Args:
            chat_id: The chat.
            count: How many messages it had.
        """
        self._arrived.setdefault(chat_id, []).append((time.monotonic(), count))

    def _wait_after_arrivals(self, chat_id: str, count: int) -> float:
        arrivals = self._arrived.get(chat_id, [])
        if not arrivals:
            return 0.0
        now = time.monotonic()
        permits, seconds = self._pace.per_chat
        moment, last_count = arrivals[-1]
        wait = moment + last_count * seconds / permits - now
        permits, seconds = self._pace.per_group
        arrivals[:] = [each for each in arrivals if each[0] > now - seconds] or arrivals[-1:]
        if not chat_id.isdigit():
            surplus = sum(each for _, each in arrivals) + count - permits
            for moment, each in arrivals:
                if surplus <= 0:
                    break
                surplus -= each
                wait = max(wait, moment + seconds - now)
        return max(0.0, wait)

    def block(self, chat_id: str, seconds: float) -> None:
        """Send nothing to a chat for a time.

        Args:
            chat_id: The chat.
            seconds: How long.
        """
        block(self._ledger, self._chat_budget(chat_id), seconds)

    def _limits(self, chat_id: str) -> Iterator[RateLimit]:
        permits, seconds = self._pace.per_chat
        yield RateLimit(self._chat_budget(chat_id), permits, seconds)
        if not chat_id.isdigit():
            # Groups and channels have negative numbers or names.
            permits, seconds = self._pace.per_group
            yield RateLimit(f"{self._chat_budget(chat_id)}:group", permits, seconds)
        permits, seconds = self._pace.overall
        yield RateLimit(f"telegram:{self._bot_id}", permits, seconds)

    def _chat_budget(self, chat_id: str) -> str:
        return _chat_budget(self._bot_id, chat_id)


def is_blocked(connection: Connection, settings: TelegramSettings, chat_id: str) -> bool:
    """Tell whether Telegram wants no message in a chat now.

    Args:
        connection: A transaction of the ledger.
        settings: The bot.
        chat_id: The chat, by the id that posts name it by.
    """
    current = current_chat_id(connection, chat_id)
    return _is_blocked(connection, _chat_budget(_bot_id(settings), current))


def rest(ledger: Ledger, settings: TelegramSettings) -> None:
    """Let the sensor start nothing for a time, after a run that could send nothing at all.

    Args:
        ledger: The ledger.
        settings: The bot, and the longest pause.
    """
    block(ledger, _rest_budget(settings), settings.retry_backoff_max_seconds)


def is_resting(connection: Connection, settings: TelegramSettings) -> bool:
    """Tell whether the sensor is to start nothing now.

    Args:
        connection: A transaction of the ledger.
        settings: The bot.
    """
    return _is_blocked(connection, _rest_budget(settings))


def _is_blocked(connection: Connection, name: str) -> bool:
    return any(
        use.name == name and use.blocked_until > time.time() for use in read_budgets(connection)
    )


def _bot_id(settings: TelegramSettings) -> str:
    return bot_id(settings.bot_token) if settings.bot_token else ""


def _rest_budget(settings: TelegramSettings) -> str:
    return f"telegram:{_bot_id(settings)}:sensor"


def _chat_budget(bot: str, chat_id: str) -> str:
    return f"telegram:{bot}:{chat_id}"
