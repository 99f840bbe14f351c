"""When an item is checked next, and that a wrong clock heals."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import watchlist_items
from sync_assets.ledger.types import utc_now
from sync_assets.watchlist import schedule
from sync_assets.watchlist.due import LONGEST_DELAY, next_check
from sync_assets_tests.watchlist.building import add_item

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("hours", [1, 6, 24, 168])
def test_each_item_keeps_its_own_interval(hours: int) -> None:
    for _ in range(50):
        delay = next_check(NOW, hours) - NOW
        assert abs(delay - hours * HOUR) <= hours * HOUR / 10
        assert delay <= LONGEST_DELAY


def test_items_that_were_checked_together_are_asked_apart() -> None:
    assert len({next_check(NOW, 6) for _ in range(20)}) > 1


def test_a_broken_provider_is_asked_less_and_less_but_every_day() -> None:
    delays = [next_check(NOW, 6, failures=count) - NOW for count in range(1, 9)]
    assert delays[0] < 1.2 * HOUR
    assert delays[0] < delays[2] < delays[4]
    assert max(delays) <= 24 * HOUR * 1.1


def test_a_slow_item_is_not_asked_more_often_because_it_is_broken() -> None:
    assert next_check(NOW, 168, failures=40) - NOW >= 150 * HOUR


def test_the_wish_to_be_left_alone_counts_up_to_a_day() -> None:
    assert next_check(NOW, 1, failures=1, retry_after_seconds=6 * 3600) >= NOW + 6 * HOUR
    assert next_check(NOW, 1, failures=1, retry_after_seconds=1e12) <= NOW + 25 * HOUR


@pytest.mark.parametrize(
    ("next_in_hours", "last_in_hours", "is_due"),
    [
        (-1, -7, True),
        (1, -5, False),
        (-400 * 24, -401 * 24, True),
        (365 * 24, -5, True),
        (365 * 24, 365 * 24 - 6, True),
        (5, 1, True),
    ],
)
def test_a_clock_that_was_wrong_heals(
    sqlite_ledger: Ledger, next_in_hours: int, last_in_hours: int, is_due: bool
) -> None:
    now = utc_now()
    with sqlite_ledger.write() as connection:
        item = add_item(connection)
        connection.execute(
            update(watchlist_items).values(
                next_check_at=now + next_in_hours * HOUR, last_checked_at=now + last_in_hours * HOUR
            )
        )
        due = schedule.due(connection, limit=10)
    assert [row.id for row in due] == ([item.id] if is_due else [])
