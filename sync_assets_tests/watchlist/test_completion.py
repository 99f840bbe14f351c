"""When an item counts as complete, and when nobody can know."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from sync_assets.watchlist.completion import Expected, completion_reason
from sync_assets.watchlist.item_numbering import Numbering
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.titles import EpisodeKind

TODAY = date(2026, 11, 22)


def episodes(*numbers: int, season: int | None = None) -> set[EpisodeNumber]:
    return {EpisodeNumber(season, Decimal(number)) for number in numbers}


def reason(
    had: set[EpisodeNumber],
    expected: Expected | None,
    missing: Iterable[EpisodeNumber] = (),
    numbering: Numbering | None = None,
) -> str | None:
    return completion_reason(had, missing, numbering or Numbering(), expected, TODAY)


def test_all_counted_episodes_complete_it() -> None:
    assert "All 3 episodes" in (reason(episodes(1, 2, 3), Expected(episodes=3)) or "")


def test_a_gap_keeps_it_open_although_the_last_is_had() -> None:
    assert reason(episodes(1, 3), Expected(episodes=3)) is None


def test_another_season_does_not_count() -> None:
    assert reason(episodes(1, 2, 3), Expected(episodes=3), numbering=Numbering(2)) is None
    had = episodes(1, 2, 3, season=2)
    assert reason(had, Expected(episodes=3), numbering=Numbering(2))


def test_a_known_episode_that_is_missing_keeps_it_open() -> None:
    assert reason(episodes(1, 2, 3), Expected(episodes=3), episodes(4)) is None


def test_a_missing_special_does_not() -> None:
    special = EpisodeNumber(None, Decimal(1), EpisodeKind.SPECIAL)
    assert reason(episodes(1, 2, 3), Expected(episodes=3), [special])


def test_specials_and_decimals_make_up_for_no_episode() -> None:
    had = {*episodes(1, 2), EpisodeNumber(None, Decimal("2.5"))}
    assert reason(had, Expected(episodes=3)) is None


def test_the_end_counts_a_month_later_and_only_without_a_gap() -> None:
    ended = Expected(end=date(2026, 9, 30))
    assert "ended on 2026-09-30" in (reason(episodes(1, 2), ended) or "")
    assert reason(episodes(1, 3), ended) is None
    assert reason(episodes(2, 3), ended) is None
    assert reason(episodes(1, 2), Expected(end=date(2026, 11, 20))) is None


def test_a_film_completes_with_its_file() -> None:
    film = {EpisodeNumber(None, None, EpisodeKind.MOVIE)}
    assert reason(film, Expected(is_film=True))
    assert reason(episodes(1), Expected(is_film=True)) is None


def test_without_knowledge_nothing_is_complete() -> None:
    assert reason(episodes(1, 2, 3), None) is None
    assert reason(episodes(1, 2, 3), Expected()) is None
    assert reason(set(), Expected(episodes=3)) is None
