"""Pacing against a stand-in that refuses what comes too fast."""

from collections.abc import Iterator

import pytest

from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import RateBudgetExhaustedError
from sync_assets.telegram.pacing import Pace, Pacer
from sync_assets_tests.telegram.conftest import Outbox
from sync_assets_tests.upstreams.telegram import Limits, TelegramServer

SECOND = 0.05
SCALED = Pace(per_chat=(1, SECOND), per_group=(20, 61 * SECOND), overall=(30, SECOND))


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    with TelegramServer(limits=Limits(second=SECOND)) as running:
        running.add_chat("1")
        running.add_chat("-1002", "supergroup")
        yield running


def test_at_the_documented_pace_nothing_is_refused(outbox: Outbox, server: TelegramServer) -> None:
    outbox.pace = SCALED
    outbox.options["max_run_seconds"] = 60
    for number, pages in enumerate((10, 1, 10, 3, 1, 10)):
        outbox.queue(str(number), pages=pages, chats=("1", "-1002"))
    report = outbox.send()
    assert (report.sent, report.unknown, report.failed) == (70, 0, 0)
    assert server.refused[429] == 0
    outbox.require_no_duplicate()


def test_without_pacing_telegram_refuses_and_still_nothing_is_lost(
    outbox: Outbox, server: TelegramServer
) -> None:
    outbox.options["max_run_seconds"] = 60
    for number in range(3):
        outbox.queue(str(number), pages=2, chats=("1",))
    report = outbox.send()
    assert report.sent == 6
    assert server.refused[429] >= 1
    outbox.require_no_duplicate()


def test_every_item_of_an_album_counts(ledger: Ledger) -> None:
    pacer = Pacer(ledger, "7", Pace())
    assert pacer.reserve("1", 10, maximum_wait_seconds=60) == 0
    assert 9 < pacer.reserve("1", 1, maximum_wait_seconds=60) <= 10
    assert pacer.reserve("2", 1, maximum_wait_seconds=60) < 1


def test_a_group_gets_twenty_a_minute(ledger: Ledger) -> None:
    pacer = Pacer(ledger, "7", Pace())
    assert pacer.reserve("@channel", 10, maximum_wait_seconds=60) == 0
    assert pacer.reserve("@channel", 10, maximum_wait_seconds=60) > 29


def test_the_budget_outlives_the_process(ledger: Ledger) -> None:
    Pacer(ledger, "7", Pace()).block("1", 900)
    with pytest.raises(RateBudgetExhaustedError):
        Pacer(ledger, "7", Pace()).reserve("1", 1, maximum_wait_seconds=60)
    assert Pacer(ledger, "8", Pace()).reserve("1", 1, maximum_wait_seconds=60) == 0
