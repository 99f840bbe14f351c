"""Whose clock is up, whatever the machine's clock does."""

from datetime import UTC, datetime, timedelta

import pytest

from sync_assets.watchlist.due import Clock, is_due, next_check

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_an_item_is_due_at_its_time_and_not_before() -> None:
    assert is_due(Clock(6), NOW)
    assert is_due(Clock(6, NOW), NOW)
    assert is_due(Clock(6, NOW - 400 * 24 * HOUR), NOW)
    assert not is_due(Clock(6, NOW + HOUR), NOW)


@pytest.mark.parametrize("hours", [1, 6, 24, 168])
def test_each_item_keeps_its_own_interval(hours: int) -> None:
    for _ in range(50):
        due_at = next_check(Clock(hours), NOW)
        assert abs(due_at - NOW - hours * HOUR) <= hours * HOUR / 10
        assert not is_due(Clock(hours, due_at), NOW)
        assert is_due(Clock(hours, due_at), due_at)


def test_items_that_were_checked_together_are_asked_apart() -> None:
    assert len({next_check(Clock(6), NOW) for _ in range(20)}) > 1


@pytest.mark.parametrize("hours", [1, 168])
def test_a_clock_that_was_a_year_ahead_heals(hours: int) -> None:
    set_by_wrong_clock = next_check(Clock(hours), NOW + 365 * 24 * HOUR)
    assert is_due(Clock(hours, set_by_wrong_clock), NOW)


def test_a_long_absence_makes_one_check_and_not_many() -> None:
    due_at = next_check(Clock(1, NOW - 365 * 24 * HOUR), NOW)
    assert due_at > NOW + HOUR / 2


def test_a_broken_provider_is_asked_less_and_less_but_every_day() -> None:
    delays = [next_check(Clock(6, failures=count), NOW) - NOW for count in range(1, 9)]
    assert delays[0] < 1.2 * HOUR
    assert delays[0] < delays[2] < delays[4]
    assert max(delays) <= 24 * HOUR * 1.1
    assert not any(is_due(Clock(6, NOW + delay, 8), NOW) for delay in delays)


def test_a_slow_item_is_not_asked_more_often_because_it_is_broken() -> None:
    assert next_check(Clock(168, failures=40), NOW) - NOW >= 150 * HOUR


def test_the_wish_to_be_left_alone_counts_up_to_a_day() -> None:
    failed = Clock(1, failures=1)
    assert next_check(failed, NOW, retry_after_seconds=6 * 3600) >= NOW + 6 * HOUR
    assert next_check(failed, NOW, retry_after_seconds=1e12) <= NOW + 25 * HOUR
