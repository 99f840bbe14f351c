"""The order of the rules: the user first, then the catalogue, titles, the search, the review."""

from dataclasses import replace
from datetime import date

import pytest

from sync_assets.bangumi.matching import (
    CustomItem,
    MatchStatus,
    MediaType,
    Method,
    OverrideRule,
    Overrides,
    SearchHit,
    match_history,
)
from sync_assets.catalog.models import Provider, SubjectKind, Work, WorkKind
from sync_assets.errors import SyncError
from sync_assets_tests.bangumi.matching.building import (
    FILM,
    SHOW,
    Search,
    episode,
    film,
    place,
)

OTHER = Work(Provider.TMDB, WorkKind.SHOW, "999")
FIRST = date(2020, 1, 5)


@pytest.fixture
def kettle(catalogue):
    catalogue.subject(11, "星のやかん", episodes=12, begin=FIRST, titles=("Star Kettle",))
    catalogue.link("bangumi_data", 11, season=1).link("anime_lists", 11, season=1, first=1)
    return catalogue


def test_every_item_has_one_answer_in_the_order_given(kettle):
    items = [episode(1, 3), episode(1, 99), episode(1, 1, works=(OTHER,)), episode(1, 3)]
    matches = match_history(items, kettle.index, Overrides())
    assert [match.key for match in matches] == [item.key for item in items]
    assert [match.status.value for match in matches] == [
        "matched",
        "review",
        "not_anime",
        "matched",
    ]


def test_a_higher_confidence_can_be_asked_for(kettle):
    sure = kettle.match(episode(1, 3))
    assert kettle.match(episode(1, 3), minimum_confidence=sure.confidence).status.value == "matched"
    assert kettle.match(episode(1, 3), minimum_confidence=1.0).status is MatchStatus.REVIEW


class TestTheUsersRules:
    def test_a_rule_comes_before_everything(self, kettle):
        rules = Overrides([OverrideRule(tmdb="100", season=1, first=2, subject=77, offset=-1)])
        match = kettle.match(episode(1, 3), overrides=rules)
        assert (place(match), match.method) == (("matched", 77, 2), Method.OVERRIDE)
        assert match.confidence == 1.0
        assert place(kettle.match(episode(1, 1), overrides=rules)) == ("matched", 11, 1)

    def test_a_rule_can_ignore(self, kettle):
        rules = Overrides([OverrideRule(title="star kettle", ignore=True)])
        assert kettle.match(episode(1, 3), overrides=rules).status is MatchStatus.IGNORED

    def test_blocked_words_are_left_alone(self, kettle):
        match = kettle.match(episode(1, 3), blocked_words=("KETTLE",))
        assert match.status is MatchStatus.IGNORED


class TestWhatIsNotAnime:
    def test_unknown_ids_are_left_alone_without_asking_anybody(self, kettle):
        search = Search()
        item = episode(1, 3, works=(OTHER,), genres=frozenset({"drama"}))
        assert kettle.match(item, search=search).status is MatchStatus.NOT_ANIME
        assert search.asked == []

    def test_so_is_what_has_no_ids_and_no_title_like_it(self, kettle):
        item = episode(1, 3, works=(), title="The News")
        assert kettle.match(item, search=Search()).status is MatchStatus.NOT_ANIME

    def test_a_show_of_the_same_name_with_other_ids_is_left_alone(self, kettle):
        item = episode(1, 3, works=(OTHER,), year=2020, release_date="2020-01-19")
        assert kettle.match(item).status is MatchStatus.NOT_ANIME

    def test_genres_that_speak_against_it_leave_it_to_the_user(self, kettle):
        match = kettle.match(episode(1, 3, genres=frozenset({"drama"})))
        assert (match.status, match.subject) == (MatchStatus.REVIEW, 11)
        assert place(kettle.match(episode(1, 3, genres=frozenset({"anime"}))))[0] == "matched"

    def test_animation_that_nobody_knows_is_left_alone(self, kettle):
        item = episode(1, 3, works=(OTHER,), title="Cartoon", genres=frozenset({"animation"}))
        assert kettle.match(item, search=Search()).status is MatchStatus.NOT_ANIME

    def test_anime_that_nobody_knows_waits(self, kettle):
        item = episode(1, 3, works=(OTHER,), title="Unheard", genres=frozenset({"anime"}))
        assert kettle.match(item, search=Search()).status is MatchStatus.REVIEW


class TestFilms:
    def test_sources_agree(self, catalogue):
        catalogue.subject(14, kind=SubjectKind.MOVIE, begin=date(2022, 7, 1))
        catalogue.link("bangumi_data", 14, FILM).link("bangumi_extlinker", 14, FILM)
        match = catalogue.match(film(year=2022))
        assert (place(match), match.method) == (("matched", 14, 1), Method.MOVIE)

    def test_a_source_that_lists_more_than_anime_is_not_believed_alone(self, catalogue):
        catalogue.subject(14, kind=SubjectKind.MOVIE).link("bangumi_extlinker", 14, FILM)
        assert catalogue.match(film()).status is MatchStatus.REVIEW

    def test_a_part_of_a_series_of_films(self, catalogue):
        catalogue.subject(14, kind=SubjectKind.MOVIE)
        catalogue.link("anime_lists", 14, FILM, target_first=2)
        assert place(catalogue.match(film())) == ("matched", 14, 2)

    def test_of_two_films_with_one_id_the_year_tells_which(self, catalogue):
        for number, year in ((14, 1995), (15, 2020)):
            catalogue.subject(number, kind=SubjectKind.MOVIE, begin=date(year, 1, 1))
            catalogue.link("bangumi_data", number, FILM)
        assert place(catalogue.match(film(year=2020))) == ("matched", 15, 1)
        assert catalogue.match(film()).status is MatchStatus.REVIEW

    def test_another_year_is_doubted(self, catalogue):
        catalogue.subject(14, kind=SubjectKind.MOVIE, begin=date(1995, 1, 1))
        catalogue.link("bangumi_data", 14, FILM)
        assert catalogue.match(film(year=2017)).status is MatchStatus.REVIEW


class TestTitles:
    def custom(self, **fields):
        item = CustomItem(MediaType.EPISODE, "Star Kettle", season=1, episode=3)
        return replace(item, **fields).as_watched_item()

    def test_title_and_day_are_enough(self, kettle):
        match = kettle.match(self.custom(release_date=date(2020, 1, 19)))
        assert (place(match), match.method) == (("matched", 11, 3), Method.TITLE)

    @pytest.mark.parametrize("day", [None, date(2023, 8, 31)])
    def test_a_title_alone_waits(self, kettle, day):
        match = kettle.match(self.custom(release_date=day))
        assert match.status is MatchStatus.REVIEW

    def test_the_original_title_and_the_season_in_it(self, catalogue):
        catalogue.subject(11, "星のやかん", episodes=12, begin=FIRST)
        catalogue.subject(12, "星のやかん 第2期", episodes=12, begin=date(2021, 1, 3))
        catalogue.link("bangumi_data", 11, season=1).link("bangumi_data", 12, season=2)
        item = self.custom(
            title="Unknown", original_title="星のやかん 第2期", release_date=date(2021, 1, 17)
        )
        assert place(catalogue.match(item)) == ("matched", 12, 3)

    def test_of_two_shows_of_one_name_the_day_tells_which(self, catalogue):
        catalogue.subject(11, "Kettle", episodes=12, begin=date(2001, 1, 7))
        catalogue.subject(12, "Kettle", episodes=12, begin=date(2019, 1, 6))
        catalogue.link("bangumi_data", 11, SHOW).link("bangumi_data", 12, OTHER)
        found = catalogue.match(self.custom(title="kettle", release_date=date(2019, 1, 20)))
        assert place(found) == ("matched", 12, 3)
        waiting = catalogue.match(self.custom(title="kettle"))
        assert (waiting.status, waiting.candidates) == (MatchStatus.REVIEW, (11, 12))

    def test_a_title_that_is_only_alike_waits(self, kettle):
        match = kettle.match(self.custom(title="Star Kettel", release_date=date(2020, 1, 19)))
        assert (match.status, match.candidates) == (MatchStatus.REVIEW, (11,))

    def test_a_film(self, catalogue):
        catalogue.subject(14, "Kettle", kind=SubjectKind.MOVIE, begin=date(1995, 11, 18))
        item = CustomItem(MediaType.MOVIE, "Kettle", release_date=date(1995, 11, 20))
        assert place(catalogue.match(item.as_watched_item())) == ("matched", 14, 1)
        later = CustomItem(MediaType.MOVIE, "Kettle", release_date=date(2017, 3, 29))
        match = catalogue.match(later.as_watched_item())
        assert (match.status, match.subject, match.candidates) == (MatchStatus.REVIEW, None, (14,))


class TestTheSearch:
    def item(self, number=3, **fields):
        values = {"works": (), "title": "Unheard", "release_date": "2024-01-21"} | fields
        return episode(1, number, **values)

    def test_title_and_day_are_enough(self, catalogue):
        search = Search(SearchHit(50, "Unheard", begin=date(2024, 1, 7), episodes=12))
        match = catalogue.match(self.item(), search=search)
        assert (place(match), match.method) == (("matched", 50, 3), Method.SEARCH)

    @pytest.mark.parametrize(
        "hit",
        [
            SearchHit(50, "Unheard", begin=date(2014, 1, 7), episodes=12),
            SearchHit(50, "Unheard"),
            SearchHit(50, "Unheard", begin=date(2024, 1, 7), episodes=2),
            SearchHit(50, "Unheard", begin=date(2024, 1, 7), is_movie=True),
        ],
    )
    def test_anything_less_waits(self, catalogue, hit):
        assert catalogue.match(self.item(), search=Search(hit)).status is MatchStatus.REVIEW

    def test_what_is_not_even_alike_is_left_alone(self, catalogue):
        search = Search(SearchHit(50, "Something else", begin=date(2024, 1, 7)))
        assert catalogue.match(self.item(), search=search).status is MatchStatus.NOT_ANIME

    def test_two_that_fit_wait(self, catalogue):
        hits = [SearchHit(number, "Unheard", begin=date(2024, 1, 7)) for number in (50, 51)]
        match = catalogue.match(self.item(), search=Search(*hits))
        assert (match.status, match.candidates) == (MatchStatus.REVIEW, (50, 51))

    def test_without_it_nothing_is_said_about_what_is_not_known(self, catalogue):
        assert catalogue.match(self.item()).status is MatchStatus.POSTPONED

    def test_it_is_asked_once_per_show(self, catalogue):
        search = Search(SearchHit(50, "Unheard", begin=date(2024, 1, 7), episodes=12))
        matcher = catalogue.matcher(search=search)
        for number in (1, 2, 3):
            matcher.match(self.item(number))
        assert len(search.asked) == 1
        keyword, begin, end = search.asked[0]
        assert keyword == "Unheard"
        assert begin < date(2024, 1, 7) < end

    def test_what_the_catalogue_knows_is_not_searched(self, kettle):
        search = Search()
        kettle.match(episode(1, 3), search=search)
        kettle.match(episode(1, 99), search=search)
        assert search.asked == []

    def test_a_search_that_fails_is_not_a_search_that_finds_nothing(self, catalogue):
        search = Search(error=SyncError("HTTP 429", remedy="Wait."))
        matcher = catalogue.matcher(search=search)
        first, second = matcher.match(self.item(1)), matcher.match(self.item(2))
        assert (first.status, second.status) == (MatchStatus.POSTPONED,) * 2
        assert "HTTP 429" in first.evidence[0]
        assert len(search.asked) == 1
