"""A bot, a stand-in of Telegram with chats, and a ledger."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import rate_budgets, telegram_posts
from sync_assets.ledger.types import AnyRow
from sync_assets.settings.telegram import TelegramSettings
from sync_assets.telegram.pacing import Pace
from sync_assets.telegram.posting import send_posts
from sync_assets.telegram.settling import SendingReport
from sync_assets_tests.telegram.works import make_work, queue_work, write_pages
from sync_assets_tests.upstreams.telegram import TOKEN, TelegramServer

UNHURRIED = Pace(per_chat=(1_000, 1.0), per_group=(10_000, 60.0), overall=(1_000, 1.0))


@dataclass
class Outbox:
    """An outbox whose bot talks to the stand-in."""

    ledger: Ledger
    server: TelegramServer
    directory: Path
    options: dict[str, Any] = field(default_factory=dict)
    pace: Pace = UNHURRIED

    def settings(self) -> TelegramSettings:
        return telegram_settings(self.server, **self.options)

    def queue(self, work_id: str = "100", pages: int = 1, chats: tuple[str, ...] = ("1",)) -> None:
        media = write_pages(self.directory, work_id, pages)
        queue_work(self.ledger, media, *chats, work=make_work(work_id))

    def send(self) -> SendingReport:
        settings = self.settings()
        return send_posts(
            settings,
            self.ledger,
            "alice",
            chat_ids=settings.chat_ids,
            run_id="a run",
            pace=self.pace,
        )

    def posts(self) -> list[AnyRow]:
        with self.ledger.read() as connection:
            query = select(telegram_posts).order_by(telegram_posts.c.id)
            return list(connection.execute(query).all())

    def states(self) -> list[str]:
        return [post.state for post in self.posts()]

    def pass_time(self) -> None:
        """Let every pause be over."""
        with self.ledger.write() as connection:
            connection.execute(update(telegram_posts).values(not_before=None))
            connection.execute(update(rate_budgets).values(next_free_at=0, blocked_until=0))

    def require_no_duplicate(self) -> None:
        assert max(self.server.posted().values(), default=0) <= 1, self.server.posted()


def telegram_settings(server: TelegramServer, **options: Any) -> TelegramSettings:
    usual: dict[str, Any] = {
        "bot_token": TOKEN,
        "chat_ids": list(server.chats),
        "base_url": server.url,
        "timeout_seconds": 5,
        "retry_backoff_initial_seconds": 0.01,
        "retry_backoff_max_seconds": 3_600,
        "max_run_seconds": 20,
    }
    return TelegramSettings(**{**usual, **options})


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    with TelegramServer() as running:
        running.add_chat("1")
        yield running


@pytest.fixture
def outbox(sqlite_ledger: Ledger, server: TelegramServer, tmp_path: Path) -> Outbox:
    return Outbox(sqlite_ledger, server, tmp_path / "library")
