"""What the calendar holds, and the rhythm that it guesses from."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from sync_assets.watchlist import calendar, episodes, releases
from sync_assets.watchlist.cadence import Appearance, cadence_of
from sync_assets.watchlist.calendar import Certainty
from sync_assets.watchlist.episodes import SeenEpisode
from sync_assets.watchlist.models import EpisodeState, ItemState
from sync_assets.watchlist.numbering import episode_text
from sync_assets.watchlist.titles import EpisodeKind
from sync_assets_tests.watchlist.building import add_item, numbered, release

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 1), date(2026, 12, 31)


def appearances(*days: float) -> list[Appearance]:
    return [
        Appearance(Decimal(number), NOW + timedelta(days=day))
        for number, day in enumerate(days, start=1)
    ]


def test_a_weekly_show_is_expected_each_week_until_its_last_episode():
    cadence = cadence_of(appearances(-22, -15, -8, -1))
    assert cadence is not None
    following = cadence.following(NOW + timedelta(days=90), last_number=6)
    assert [(each.number, each.at.date()) for each in following] == [
        (5, date(2026, 11, 28)),
        (6, date(2026, 12, 5)),
    ]


def test_a_week_without_an_episode_does_not_end_the_rhythm():
    cadence = cadence_of(appearances(-43, -36, -29, -15, -8, -1))
    assert cadence is not None
    assert cadence.interval == timedelta(days=7)


def test_a_missing_episode_is_no_longer_gap():
    seen = [each for each in appearances(-29, -22, -15, -8, -1) if each.number != 3]
    cadence = cadence_of(seen)
    assert cadence is not None
    assert cadence.interval == timedelta(days=7)


@pytest.mark.parametrize(
    "days",
    [
        (),
        (-8, -1),
        (-1, -1, -1, -1),  # a whole season at once
        (-1, -0.9, -0.8, -0.7),
        (-40, -39, -20, -1),
        (-300, -200, -100),
    ],
)
def test_what_has_no_rhythm_lets_nothing_be_expected(days):
    assert cadence_of(appearances(*days)) is None


def test_a_rhythm_is_over_when_the_show_stayed_away():
    cadence = cadence_of(appearances(-50, -43, -36))
    assert cadence is not None
    assert cadence.is_over(NOW)
    assert not cadence.is_over(NOW - timedelta(days=20))


@pytest.mark.parametrize(
    ("season", "number", "kind", "title", "text"),
    [
        (1, "5", EpisodeKind.REGULAR, "", "S01E05"),
        (2, "8.5", EpisodeKind.REGULAR, "", "S02E08.5"),
        (None, "1100", EpisodeKind.REGULAR, "", "1100"),
        (1, "2", EpisodeKind.SPECIAL, "", "Special 2"),
        (None, None, EpisodeKind.MOVIE, "Le film", "Le film"),
        (None, None, EpisodeKind.MOVIE, "", "Film"),
        (None, None, EpisodeKind.REGULAR, "", "Without a number"),
    ],
)
def test_episodes_are_called_as_people_call_them(season, number, kind, title, text):
    exact = Decimal(number) if number else None
    assert episode_text(season, exact, kind, title) == text


@pytest.fixture
def entries(ledger):
    def read(owner="alice"):
        with ledger.read() as connection:
            days = calendar.entries(connection, owner, FIRST, LAST, NOW)
        return [entry for day in sorted(days) for entry in days[day]]

    return read


def publish(connection, item, days, *, season=1):
    """Let episodes have appeared so many days from now, all of them found at once."""
    numbers = [numbered(str(number), season) for number in range(1, len(days) + 1)]
    episodes.see(connection, item, [SeenEpisode(number) for number in numbers])
    releases.remember(
        connection,
        item.id,
        [
            release(str(number), number, published_at=NOW + timedelta(days=day))
            for number, day in zip(numbers, days, strict=True)
        ],
    )


def test_what_appeared_stands_on_its_day_and_what_is_guessed_says_so(ledger, entries):
    with ledger.write() as connection:
        publish(connection, add_item(connection, expected_episodes=5), (-21, -14, -7, 0))
    found = [(each.day.isoformat(), each.episode, each.certainty) for each in entries()]
    assert found == [
        ("2026-11-01", "S01E01", Certainty.APPEARED),
        ("2026-11-08", "S01E02", Certainty.APPEARED),
        ("2026-11-15", "S01E03", Certainty.APPEARED),
        ("2026-11-22", "S01E04", Certainty.APPEARED),
        ("2026-11-29", "S01E05", Certainty.CADENCE),
    ]


def test_what_is_announced_is_not_guessed_as_well_and_may_be_late(ledger, entries):
    announced = [
        SeenEpisode(
            numbered(number), state=EpisodeState.EXPECTED, airs_at=NOW + timedelta(days=day)
        )
        for number, day in (("5", -1), ("6", 8))
    ]
    with ledger.write() as connection:
        item = add_item(connection, expected_episodes=6)
        publish(connection, item, (-28, -21, -14, -7))
        episodes.see(connection, item, announced)
    late, coming = entries()[-2:]
    assert (late.episode, late.certainty, late.is_late) == ("S01E05", Certainty.ANNOUNCED, True)
    assert (coming.episode, coming.is_late) == ("S01E06", False)


def test_a_completed_show_has_a_past_and_no_future(ledger, entries):
    with ledger.write() as connection:
        publish(connection, add_item(connection, state=ItemState.COMPLETED), (-21, -14, -7, 0))
    assert {each.certainty for each in entries()} == {Certainty.APPEARED}


def test_a_new_season_has_a_rhythm_of_its_own(ledger, entries):
    with ledger.write() as connection:
        item = add_item(connection)
        publish(connection, item, (-20, -13, -6), season=1)
        publish(connection, item, (-1,), season=2)
    assert not [each for each in entries() if each.certainty is Certainty.CADENCE]


def test_the_day_of_the_last_episode_is_announced(ledger, entries):
    with ledger.write() as connection:
        add_item(connection, ends_on=date(2026, 12, 20))
    (only,) = entries()
    assert (only.day, only.episode) == (date(2026, 12, 20), "Last episode")


def test_others_see_nothing(ledger, entries):
    with ledger.write() as connection:
        publish(connection, add_item(connection), (-14, -7, 0))
    assert entries("bob") == []
