"""One episode is one episode, however its sources count."""

from decimal import Decimal

import pytest

from sync_assets.watchlist.item_numbering import Numbering, place, season_of_title
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.titles import EpisodeKind

REGULAR, SPECIAL, MOVIE = EpisodeKind.REGULAR, EpisodeKind.SPECIAL, EpisodeKind.MOVIE


def number(text: str, season: int | None = None, kind: EpisodeKind = REGULAR) -> EpisodeNumber:
    return EpisodeNumber(season, Decimal(text), kind)


def test_the_first_season_and_no_season_are_the_same() -> None:
    plain = Numbering()
    assert plain.episode(1, Decimal(5), REGULAR) == plain.episode(None, Decimal(5), REGULAR)


def test_numbers_are_equal_however_they_are_written() -> None:
    plain = Numbering()
    assert plain.episode(None, Decimal("5.0"), REGULAR) == number("5")


def test_the_offset_turns_a_running_number_into_that_of_the_second_cour() -> None:
    second = Numbering(season=2, offset=-12)
    assert second.episode(None, Decimal(13), REGULAR) == number("1", 2)
    assert second.episode(2, Decimal(1), REGULAR) == number("1", 2)


def test_an_earlier_cour_is_none_of_the_item() -> None:
    assert Numbering(season=2, offset=-12).episode(None, Decimal(5), REGULAR) is None


@pytest.mark.parametrize("text", ["0", "12.5", "0.5"])
def test_zero_and_decimals_are_not_counted_on(text: str) -> None:
    assert Numbering(offset=-12).episode(None, Decimal(text), REGULAR) == number(text)


def test_specials_are_not_counted_on_and_season_zero_holds_them() -> None:
    shifted = Numbering(offset=-12)
    assert shifted.episode(None, Decimal(2), SPECIAL) == number("2", kind=SPECIAL)
    assert shifted.episode(0, Decimal(2), REGULAR) == number("2", kind=SPECIAL)


def test_an_item_of_one_season_leaves_the_others_alone() -> None:
    assert Numbering(season=2).episode(1, Decimal(3), REGULAR) is None
    assert Numbering(season=2).episode(3, Decimal(3), REGULAR) is None


def test_what_is_no_number_of_an_episode_is_left_out() -> None:
    assert Numbering().episode(None, Decimal("1e30"), REGULAR) is None


def test_a_film_has_no_season() -> None:
    assert Numbering(season=2).episode(2, None, MOVIE) == EpisodeNumber(None, None, MOVIE)


def test_a_range_holds_its_ends_and_the_whole_numbers_between() -> None:
    found = Numbering().episodes(None, Decimal("0.5"), Decimal(3), REGULAR)
    assert found == tuple(map(number, ("0.5", "1", "2", "3")))


def test_of_a_batch_of_the_whole_series_only_the_items_part_counts() -> None:
    found = Numbering(season=2, offset=-12).episodes(None, Decimal(11), Decimal(14), REGULAR)
    assert found == (number("1", 2), number("2", 2))


@pytest.mark.parametrize(("first", "last"), [("1", "99999999"), ("12", "1")])
def test_a_range_that_cannot_be_holds_nothing(first: str, last: str) -> None:
    assert Numbering().episodes(None, Decimal(first), Decimal(last), REGULAR) == ()


def test_regular_episodes_come_first_and_in_their_order() -> None:
    episodes = [
        number("1", kind=SPECIAL),
        number("10"),
        number("12.5"),
        number("2"),
        number("1", 2),
    ]
    assert [each.key for each in sorted(episodes, key=place)] == [
        "regular::2",
        "regular::10",
        "regular::12.5",
        "regular:2:1",
        "special::1",
    ]


@pytest.mark.parametrize(
    ("title", "season"),
    [("Hoshizora 2nd Season", 2), ("Hoshizora S3", 3), ("Hoshizora", None), ("星空 第二季", 2)],
)
def test_a_title_may_name_the_season(title: str, season: int | None) -> None:
    assert season_of_title(title) == season
