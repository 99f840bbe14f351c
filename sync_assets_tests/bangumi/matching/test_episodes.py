"""Where episodes belong, rule by rule: what the sources say, and how sure that is."""

from datetime import date, timedelta

import pytest

from sync_assets.bangumi.matching import Method
from sync_assets.catalog.models import Provider, SubjectKind, Work, WorkKind
from sync_assets_tests.bangumi.matching.building import SHOW, TVDB, episode, place

FIRST, SECOND = date(2020, 1, 5), date(2021, 1, 3)


@pytest.fixture
def two_cours(catalogue):
    """12 and 13 episodes, one season on TMDB."""
    catalogue.subject(11, episodes=12, begin=FIRST).subject(12, episodes=13, begin=SECOND)
    catalogue.link("bangumi_data", 11).link("bangumi_data", 12)
    return catalogue


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, ("matched", 11, 1)),
        (12, ("matched", 11, 12)),
        (13, ("matched", 12, 1)),
        (25, ("matched", 12, 13)),
        (26, ("review", None, None)),
    ],
)
def test_cours_of_one_season_are_counted_through(two_cours, number, expected):
    match = two_cours.match(episode(1, number))
    assert place(match) == expected
    assert match.method in (Method.CUMULATIVE, None)


def test_what_has_no_place_waits_with_its_candidates(two_cours):
    match = two_cours.match(episode(1, 26))
    assert match.candidates == (11, 12)
    assert match.evidence


def test_a_single_subject_takes_the_numbers_as_they_are(catalogue):
    catalogue.subject(11, episodes=12).link("bangumi_data", 11, season=1)
    match = catalogue.match(episode(1, 7))
    assert (place(match), match.method) == (("matched", 11, 7), Method.SINGLE_SUBJECT)


def test_a_range_that_is_past_the_number_of_episodes_is_not_believed(catalogue):
    catalogue.subject(11, episodes=12).subject(12, episodes=12)
    catalogue.link("anime_lists", 11, season=1, first=1)
    assert place(catalogue.match(episode(1, 13)))[0] == "review"


def test_the_range_that_begins_last_counts(catalogue):
    catalogue.subject(11, episodes=24).subject(12, episodes=12)
    catalogue.link("anime_lists", 11, season=2, first=1)
    catalogue.link("anime_lists", 12, season=2, first=14)
    match = catalogue.match(episode(2, 15))
    assert (place(match), match.method) == (("matched", 12, 2), Method.EPISODE_RANGE)


def test_a_range_that_ends_is_believed_before_one_that_does_not(catalogue):
    catalogue.subject(11, episodes=50).subject(12, episodes=3)
    catalogue.link("anime_lists", 11, season=1, first=1)
    catalogue.link("anime_lists", 12, season=1, first=9, last=11)
    assert place(catalogue.match(episode(1, 10))) == ("matched", 12, 2)
    assert place(catalogue.match(episode(1, 12))) == ("matched", 11, 12)


def test_a_named_episode_is_the_surest(catalogue):
    catalogue.subject(11, episodes=12).subject(13, kind=SubjectKind.OVA, episodes=1)
    catalogue.link("bangumi_data", 13, season=0, first=4, last=4)
    match = catalogue.match(episode(0, 4))
    assert (place(match), match.method) == (("matched", 13, 1), Method.EXACT_EPISODE)


def test_sources_that_agree_make_it_surer(two_cours):
    alone = two_cours.match(episode(1, 13)).confidence
    two_cours.link("anime_lists", 12, season=1, first=13)
    together = two_cours.match(episode(1, 13))
    assert together.confidence > alone
    assert len(together.evidence) == 2


def test_sources_that_contradict_each_other_leave_it_to_the_user(catalogue):
    catalogue.subject(11, episodes=12).subject(12, episodes=12)
    catalogue.link("bangumi_data", 11, season=2)
    catalogue.link("anime_lists", 12, season=2, first=1)
    match = catalogue.match(episode(2, 3))
    assert match.status.value == "review"
    assert set(match.candidates) == {11, 12}
    assert match.confidence < 0.9


def test_thetvdb_tips_the_balance_but_does_not_decide(catalogue):
    catalogue.subject(11, episodes=12).subject(12, episodes=12)
    catalogue.link("bangumi_data", 11, season=2).link("rensetsu_shows", 11, season=2)
    catalogue.link("anime_lists", 12, season=2, first=1)
    item = episode(2, 3, works=(SHOW, TVDB))
    assert place(catalogue.match(item)) == ("review", 11, 3)
    catalogue.link("shinkro", 11, TVDB, season=2, first=1)
    assert place(catalogue.match(item)) == ("matched", 11, 3)
    for source in ("anime_lists", "anibridge"):
        catalogue.link(source, 12, TVDB, season=2, first=1)
    assert catalogue.match(item).status.value == "review"


def test_a_hint_of_one_source_falls_where_thetvdb_is_of_another_mind(catalogue):
    catalogue.subject(11, episodes=12).subject(12, episodes=12)
    catalogue.link("bangumi_data", 11, season=2)
    item = episode(2, 3, works=(SHOW, TVDB))
    catalogue.link("shinkro", 12, TVDB, season=2, first=1)
    assert place(catalogue.match(item)) == ("matched", 11, 3)
    catalogue.link("anime_lists", 12, TVDB, season=2, first=1)
    assert catalogue.match(item).status.value == "review"


def test_where_two_cours_meet_an_estimate_is_not_enough(catalogue):
    catalogue.subject(11, episodes=12, begin=FIRST, estimated=True)
    catalogue.subject(12, episodes=12, begin=SECOND)
    catalogue.link("bangumi_data", 11).link("bangumi_data", 12)
    found = {number: place(catalogue.match(episode(1, number))) for number in (10, 12, 13, 15)}
    assert found == {
        10: ("matched", 11, 10),
        12: ("review", 11, 12),
        13: ("review", 12, 1),
        15: ("matched", 12, 3),
    }


def test_an_explicit_range_is_believed_before_counting(catalogue):
    catalogue.subject(11, episodes=12, begin=FIRST, estimated=True)
    catalogue.subject(12, episodes=12, begin=SECOND).link("bangumi_data", 11)
    catalogue.link("bangumi_data", 12).link("anime_lists", 12, season=1, first=12)
    assert place(catalogue.match(episode(1, 12))) == ("matched", 12, 1)


def test_a_source_that_lists_more_than_anime_is_not_believed_alone(catalogue):
    catalogue.subject(11, episodes=12).link("bangumi_extlinker", 11, season=1)
    assert place(catalogue.match(episode(1, 1)))[0] == "review"
    catalogue.link("rensetsu_shows", 11, season=1)
    assert place(catalogue.match(episode(1, 1)))[0] == "matched"


def test_a_high_number_of_what_nobody_counted_may_be_a_sequel(catalogue):
    catalogue.subject(11, begin=FIRST).link("bangumi_data", 11, season=1)
    assert place(catalogue.match(episode(1, 40)))[0] == "matched"
    catalogue.subject(12, begin=SECOND).link("anime_lists", 12, season=2, first=1)
    assert place(catalogue.match(episode(1, 12)))[0] == "matched"
    assert place(catalogue.match(episode(1, 14)))[0] == "review"


def test_what_was_on_the_air_that_long_has_a_high_number_if_two_sources_say_so(catalogue):
    catalogue.subject(11, begin=FIRST, end=date(2020, 6, 21)).subject(12, begin=SECOND)
    catalogue.link("bangumi_data", 11, season=1).link("bangumi_data", 12, season=2)
    assert place(catalogue.match(episode(1, 20))) == ("review", 11, 20)
    catalogue.link("anime_lists", 11, season=1, first=1)
    assert place(catalogue.match(episode(1, 20))) == ("matched", 11, 20)
    assert place(catalogue.match(episode(1, 26))) == ("review", 11, 26)


def test_the_last_cour_is_not_believed_past_its_estimate(catalogue):
    catalogue.subject(11, episodes=12, begin=FIRST)
    catalogue.subject(12, episodes=13, begin=SECOND, estimated=True)
    catalogue.link("bangumi_data", 11).link("bangumi_data", 12)
    assert place(catalogue.match(episode(1, 24))) == ("matched", 12, 12)
    assert place(catalogue.match(episode(1, 26))) == ("review", 12, 14)


class TestSeasonsOfTrakt:
    """Rensetsu's list says which season of Trakt an anime is, or that Trakt has none for it."""

    def test_with_thetvdb_it_is_enough(self, catalogue):
        catalogue.subject(11, episodes=12).link("rensetsu_shows", 11, season=2)
        item = episode(2, 3, works=(SHOW, TVDB))
        assert place(catalogue.match(item)) == ("review", 11, 3)
        catalogue.link("shinkro", 11, TVDB, season=2, first=1)
        assert place(catalogue.match(item)) == ("matched", 11, 3)

    def test_word_against_word_leaves_it_to_the_user(self, catalogue):
        catalogue.subject(11, episodes=12).subject(12, episodes=12)
        catalogue.link("bangumi_data", 11, season=2).link("rensetsu_shows", 12, season=2)
        match = catalogue.match(episode(2, 3))
        assert (match.status.value, set(match.candidates)) == ("review", {11, 12})
        catalogue.link("shinkro", 11, TVDB, season=2, first=1)
        assert place(catalogue.match(episode(2, 3, works=(SHOW, TVDB)))) == ("matched", 11, 3)

    def test_another_opinion_of_thetvdb_leaves_it_to_the_user(self, catalogue):
        catalogue.subject(11, episodes=12).subject(12, episodes=12)
        catalogue.link("rensetsu_shows", 11, season=2)
        catalogue.link("shinkro", 11, TVDB, season=2, first=1)
        catalogue.link("anime_lists", 12, TVDB, season=2, first=1)
        item = episode(2, 3, works=(SHOW, TVDB))
        assert catalogue.match(item).status.value == "review"

    def test_a_season_may_be_an_ova_but_not_beside_a_series(self, catalogue):
        catalogue.subject(11, episodes=6, kind=SubjectKind.OVA)
        catalogue.link("rensetsu_shows", 11, season=1)
        assert place(catalogue.match(episode(1, 2))) == ("review", 11, 2)
        catalogue.subject(12, episodes=12).link("rensetsu_shows", 12, season=1)
        assert place(catalogue.match(episode(1, 2))) == ("review", 12, 2)

    def test_what_nobody_counted_is_believed_for_one_cour(self, catalogue):
        catalogue.subject(11).link("rensetsu_shows", 11, season=2)
        catalogue.link("shinkro", 11, TVDB, season=2, first=1)
        works = (SHOW, TVDB)
        assert place(catalogue.match(episode(2, 12, works=works))) == ("matched", 11, 12)
        assert place(catalogue.match(episode(2, 13, works=works)))[0] == "review"

    def test_a_sequel_without_a_season_runs_on_in_the_first(self, two_cours):
        """Anime-Lists still has the second cour as a season, which Trakt has merged."""
        two_cours.link("anime_lists", 11, season=1, first=1)
        two_cours.link("anime_lists", 12, season=2, first=1)
        assert place(two_cours.match(episode(1, 14))) == ("review", None, None)
        two_cours.link("rensetsu_shows", 11, season=1).link("rensetsu_shows", 12)
        assert place(two_cours.match(episode(1, 14))) == ("matched", 12, 2)


class TestSpecials:
    def test_a_run_of_specials_of_one_source_waits(self, catalogue):
        catalogue.subject(13, kind=SubjectKind.OVA, episodes=2)
        catalogue.link("anime_lists", 13, season=0, first=3)
        assert place(catalogue.match(episode(0, 4))) == ("review", 13, 2)

    def test_two_sources_are_enough(self, catalogue):
        catalogue.subject(13, kind=SubjectKind.OVA, episodes=2)
        catalogue.link("anime_lists", 13, season=0, first=3)
        catalogue.link("anibridge", 13, season=0, first=3, last=4)
        assert place(catalogue.match(episode(0, 4))) == ("matched", 13, 2)

    def test_what_was_edited_by_hand_is_believed_before_the_run(self, catalogue):
        for number in (13, 14):
            catalogue.subject(number, kind=SubjectKind.OVA, episodes=2)
        catalogue.link("anime_lists", 13, season=0, first=1)
        catalogue.link("anibridge", 14, season=0, first=1, last=2)
        assert place(catalogue.match(episode(0, 2))) == ("matched", 14, 2)

    def test_a_run_does_not_go_on_into_what_is_not_known(self, catalogue):
        catalogue.subject(13, kind=SubjectKind.OVA)
        catalogue.link("anime_lists", 13, season=0, first=1)
        assert place(catalogue.match(episode(0, 2)))[:2] == ("review", None)

    def test_a_special_within_a_series_is_never_marked_by_itself(self, catalogue):
        catalogue.subject(11, episodes=12)
        catalogue.link("anime_lists", 11, season=0, first=1, last=1, special=True)
        match = catalogue.match(episode(0, 1))
        assert (match.status.value, match.episode_type.value) == ("review", "special")

    def test_thetvdb_numbers_specials_in_its_own_way(self, catalogue):
        catalogue.subject(13, kind=SubjectKind.OVA, episodes=2)
        for source in ("anime_lists", "shinkro", "anibridge"):
            catalogue.link(source, 13, TVDB, season=0, first=1, last=2)
        assert place(catalogue.match(episode(0, 1, works=(SHOW, TVDB))))[1] is None


class TestNumbersPastTheEnd:
    def test_a_redirect_leads_to_the_sequel_if_the_counts_agree(self, two_cours):
        two_cours.link("anime_lists", 11, season=1, first=1)
        two_cours.link("anime_lists", 12, season=2, first=1).redirect(11, 13, 25, 12)
        match = two_cours.match(episode(1, 14))
        assert (place(match), match.method) == (("matched", 12, 2), Method.ABSOLUTE_NUMBER)

    def test_a_redirect_that_counts_a_special_waits(self, two_cours):
        two_cours.subject(13, episodes=1, kind=SubjectKind.OVA)
        two_cours.link("anime_lists", 11, season=1, first=1)
        two_cours.link("anime_lists", 12, season=2, first=1)
        two_cours.redirect(11, 13, 13, 13).redirect(11, 14, 26, 12)
        match = two_cours.match(episode(1, 14))
        assert (match.status.value, match.candidates) == ("review", (12,))

    def test_a_redirect_alone_waits(self, catalogue):
        catalogue.subject(11, episodes=12).subject(12, episodes=13)
        catalogue.link("bangumi_data", 11, season=1).redirect(11, 13, 25, 12)
        assert place(catalogue.match(episode(1, 14))) == ("review", 12, 2)

    def test_a_season_that_is_numbered_on_needs_the_day(self, catalogue):
        catalogue.subject(11, episodes=52, begin=FIRST).subject(12, episodes=52, begin=SECOND)
        catalogue.link("bangumi_data", 11, season=1).link("bangumi_data", 12, season=2)
        match = catalogue.match(episode(2, 60, release_date="2021-02-21"))
        assert (place(match), match.method) == (("matched", 12, 8), Method.AIR_DATE)
        assert place(catalogue.match(episode(2, 60)))[0] == "review"

    @pytest.mark.parametrize("number", [13, 17])
    @pytest.mark.parametrize("has_day", [False, True])
    def test_past_the_end_it_may_be_a_recap_or_a_cour_nobody_knows_yet(
        self, catalogue, number, has_day
    ):
        catalogue.subject(11, episodes=12, begin=FIRST).subject(12, episodes=12, begin=SECOND)
        catalogue.link("bangumi_data", 11, season=1).link("bangumi_data", 12, season=2)
        day = SECOND + timedelta(weeks=number - 1) if has_day else None
        match = catalogue.match(episode(2, number, release_date=day))
        assert (match.status.value, match.candidates) == ("review", (11, 12))

    def test_the_absolute_number_counts_through_all_series(self, catalogue):
        catalogue.subject(11, episodes=52, begin=FIRST).subject(12, episodes=52, begin=SECOND)
        catalogue.link("bangumi_data", 11, season=1).link("bangumi_data", 12, season=2)
        match = catalogue.match(episode(23, 6, absolute_number=60))
        assert (place(match), match.method) == (("matched", 12, 8), Method.ABSOLUTE_NUMBER)

    def test_nothing_is_guessed_for_specials(self, catalogue):
        catalogue.subject(11, episodes=52).link("bangumi_data", 11, season=1)
        assert place(catalogue.match(episode(0, 6, absolute_number=60)))[1] is None


class TestAirDates:
    def test_the_day_makes_it_surer(self, two_cours):
        match = two_cours.match(episode(1, 14, release_date="2021-01-10"))
        assert place(match) == ("matched", 12, 2)
        assert match.confidence >= 0.99

    def test_the_day_overrules_a_range(self, catalogue):
        catalogue.subject(11, episodes=24, begin=FIRST).subject(12, episodes=12, begin=SECOND)
        catalogue.link("anime_lists", 11, season=1, first=1)
        catalogue.link("bangumi_data", 12, season=1)
        match = catalogue.match(episode(1, 3, release_date="2021-01-17"))
        assert place(match) == ("matched", 12, 3)

    def test_late_alone_is_no_contradiction(self, catalogue):
        catalogue.subject(11, episodes=12, begin=FIRST).link("bangumi_data", 11, season=1)
        match = catalogue.match(episode(1, 12, release_date="2020-09-27"))
        assert place(match) == ("matched", 11, 12)

    def test_a_day_that_fits_nothing_leaves_it_to_the_user(self, two_cours):
        match = two_cours.match(episode(1, 14, release_date="2012-05-05"))
        assert match.status.value == "review"

    def test_the_series_that_is_on_the_air_is_found_by_the_day(self, catalogue):
        catalogue.subject(11, episodes=12, begin=FIRST).subject(12, episodes=12, begin=SECOND)
        catalogue.link("bangumi_data", 11, season=1).link("anime_lists", 12)
        match = catalogue.match(episode(3, 4, release_date="2021-01-24"))
        assert (place(match), match.method) == (("matched", 12, 4), Method.AIR_DATE)

    def test_of_two_series_with_one_id_the_day_tells_which(self, catalogue):
        """A long-running show that begins again as a new subject keeps its ids elsewhere."""
        catalogue.subject(11, begin=date(1999, 10, 20)).subject(12, begin=date(2026, 4, 5))
        catalogue.link("bangumi_data", 11).link("bangumi_data", 12)
        match = catalogue.match(episode(1, 2, release_date="2026-04-12"))
        assert place(match) == ("matched", 12, 2)


class TestNumberingOfTheTvdb:
    def test_an_item_that_has_only_its_id_is_numbered_like_it(self, catalogue):
        catalogue.subject(11, episodes=12).subject(12, episodes=13)
        catalogue.link("anime_lists", 12, TVDB, season=2, first=1).link("bangumi_data", 11)
        catalogue.link("bangumi_data", 12).link("anime_lists", 12, SHOW, season=1, first=13)
        assert place(catalogue.match(episode(2, 1, works=(TVDB,)))) == ("matched", 12, 1)

    def test_where_tmdb_says_nothing_two_agreeing_sources_are_enough_for_the_first_season(
        self, catalogue
    ):
        catalogue.subject(11, episodes=12).link("anime_lists", 11, TVDB, season=1, first=1)
        item = episode(1, 3, works=(SHOW, TVDB))
        assert place(catalogue.match(item)) == ("review", 11, 3)
        catalogue.link("shinkro", 11, TVDB, season=1, first=1)
        assert place(catalogue.match(item)) == ("matched", 11, 3)

    def test_a_show_known_by_imdb_alone_is_found_through_its_subjects(self, catalogue):
        imdb = Work(Provider.IMDB, WorkKind.SHOW, "tt1")
        catalogue.subject(11, episodes=12).link("bangumi_extlinker", 11, imdb)
        catalogue.link("bangumi_data", 11)
        assert place(catalogue.match(episode(1, 3, works=(imdb,)))) == ("matched", 11, 3)
