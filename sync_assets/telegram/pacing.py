"""How fast a bot may post: per chat, per group and overall, kept in the ledger.

https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this: one message per
second in a chat, 20 per minute in a group, 30 per second overall. Every item of an album counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import RateLimit, block, reserve


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
        bot_id: The bot.
        pace: What Telegram allows.
    """

    def __init__(self, ledger: Ledger, bot_id: str, pace: Pace) -> None:
        self._ledger = ledger
        self._bot = f"telegram:{bot_id}"
        self._pace = pace

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
        return max(
            reserve(self._ledger, limit, count=count, maximum_wait_seconds=maximum_wait_seconds)
            for limit in self._limits(chat_id)
        )

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
        yield RateLimit(self._bot, permits, seconds)

    def _chat_budget(self, chat_id: str) -> str:
        return f"{self._bot}:{chat_id}"
