"""The review: what waits, answers that become rules, and the matching that obeys them."""

import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from sync_assets.bangumi.match_table import read_matches
from sync_assets.bangumi.matching import OverrideRule, read_overrides
from sync_assets.bangumi.matching.override_writing import add_rule
from sync_assets.bangumi.matching.overrides import OverridesError
from sync_assets.bangumi.reviewing import (
    EVENT,
    ReviewError,
    Reviews,
    accept,
    ignore,
    place,
    subject_number,
)
from sync_assets.ledger.events import read_events
from sync_assets.settings import Settings
from sync_assets_tests.bangumi.building import ACCOUNT, matched
from sync_assets_tests.bangumi.reviewing import (
    FIRST,
    SECOND,
    match_anew,
    watch,
    write_catalogue,
)
from sync_assets_tests.bangumi.trakt_rows import play, write_history

RULE = OverrideRule(tmdb="1", subject=2)


@pytest.fixture
def settings(tmp_path):
    settings = Settings.model_validate(
        {"home": tmp_path, "bangumi": {"accounts": {ACCOUNT: {"access_token": "a"}}}}
    )
    write_catalogue(settings)
    return settings


@pytest.fixture
def reviews(settings, account):
    return Reviews(settings, account.ledger, lambda: nullcontext(account.client()))


@pytest.fixture
def question(settings, account, reviews):
    """Three episodes of a season that no source places."""
    watch(settings, 1, 2, 3)
    match_anew(account, settings)
    (found,) = reviews.queue().questions
    return found


def places(account):
    """Where the last matching has put everything."""
    found = read_matches(account.lake, ACCOUNT)
    return [(each.status, each.subject, each.episode) for each in found]


def answers(account):
    with account.ledger.read() as connection:
        return read_events(connection, entity=EVENT)


def test_episodes_with_the_same_doubt_are_one_question(question):
    assert (question.item.title, question.place) == ("Star Kettle", "season 2, episodes 1–3")  # noqa: RUF001
    assert question.item.original_title == "星の茶壺"
    assert (question.episodes, question.accounts) == (3, (ACCOUNT,))
    names = {each.number: (each.name, each.name_cn) for each in question.candidates}
    assert names == {
        FIRST: ("星の茶壺", "星之茶壶"),
        SECOND: ("星の茶壺 第2期", "星之茶壶 第二季"),
    }
    assert question.evidence


def test_an_answer_is_obeyed_by_the_next_matching_though_nothing_is_new(
    question, reviews, account, settings
):
    reviews.record(question, place(question, SECOND), by="alice")
    queue = reviews.queue()
    assert (queue.questions, queue.answered, queue.answered_accounts) == ((), 3, (ACCOUNT,))
    match_anew(account, settings)
    assert places(account) == [("matched", SECOND, number) for number in (1, 2, 3)]
    assert reviews.queue().answered == 0
    (event,) = answers(account)
    assert (event.state, event.detail["by"]) == ("corrected", "alice")
    assert event.detail["rule"]["subject"] == SECOND


def test_of_two_answers_to_one_question_the_first_counts(question, reviews, account, settings):
    reviews.record(question, place(question, SECOND), by="alice")
    with pytest.raises(ReviewError, match="it is answered"):
        reviews.record(question, place(question, FIRST), by="bob")
    (rule,) = read_overrides(settings.overrides_path).rules
    assert rule.subject == SECOND
    assert len(answers(account)) == 1


def test_a_subject_that_counts_otherwise_gets_an_offset(settings, account, reviews):
    watch(settings, 13, 14)
    match_anew(account, settings)
    (question,) = reviews.queue().questions
    reviews.record(question, place(question, SECOND, 1), by="alice")
    match_anew(account, settings)
    assert places(account) == [("matched", SECOND, 1), ("matched", SECOND, 2)]


def test_ignored_episodes_are_left_alone_and_others_are_not(question, reviews, account, settings):
    reviews.record(question, ignore(question), by="alice")
    watch(settings, 1, 2, 3, 7)
    match_anew(account, settings)
    assert [status for status, *_ in places(account)] == ["ignored"] * 3 + ["review"]
    (later,) = reviews.queue().questions
    assert later.place == "season 2, episode 7"
    reviews.record(later, ignore(later, whole_work=True), by="alice")
    watch(settings, 1, 2, 3, 7, 8)
    match_anew(account, settings)
    assert [status for status, *_ in places(account)] == ["ignored"] * 5


def test_a_rule_touches_no_episode_that_has_a_place(settings, account, reviews):
    add_rule(
        settings.overrides_path,
        settings.home / "lock",
        OverrideRule(tmdb="100", season=2, first=4, last=4, subject=FIRST),
    )
    watch(settings, 3, 4, 5)
    match_anew(account, settings)
    queue = reviews.queue()
    assert [each.place for each in queue.questions] == [
        "season 2, episode 3",
        "season 2, episode 5",
    ]


def test_a_film_and_a_show_with_the_same_number_are_told_apart(settings, account, reviews):
    film = play(1, None, season=None, media_type="movie", trakt=11, title="A Film")
    write_history(settings.lake_directory, ACCOUNT, film, play(2, 1, season=2))
    match_anew(account, settings)
    about_film, about_show = reviews.queue().questions
    assert (about_film.is_film, about_film.place) == (True, "film")
    for own, other in ((about_film, about_show), (about_show, about_film)):
        rule = place(own, SECOND).rule
        assert rule.tmdb == "100"
        assert rule.applies_to(own.item)
        assert not rule.applies_to(other.item)


def test_what_is_in_none_of_trakts_tables_is_asked_about_as_well(account, reviews):
    named = {"work": "custom/show/title/Far Star", "title": "Far Star 1x03"}
    account.watch(matched(FIRST, 3, status="review", confidence=0.5, **named))
    (question,) = reviews.queue().questions
    assert (question.item.title, question.place) == ("Far Star", "season 1, episode 3")
    assert accept(question).rule.title == "Far Star"


def test_a_suggestion_is_accepted_as_it_is(account, reviews):
    special = {"season": 0, "episode_type": "special", "status": "review", "confidence": 0.6}
    account.watch(*(matched(SECOND, n, episode=n - 12, **special) for n in (13, 14)))
    (question,) = reviews.queue().questions
    answer = accept(question)
    assert answer.kind == "accepted"
    rule = answer.rule
    assert (rule.season, rule.first, rule.last) == (0, 13, 14)
    assert (rule.subject, rule.offset, rule.special) == (SECOND, -12, True)


def test_nothing_can_be_accepted_where_nothing_is_suggested(question):
    with pytest.raises(ReviewError, match="Nothing is suggested"):
        accept(question)


def test_a_question_that_changed_cannot_be_answered_any_more(question, reviews, account, settings):
    watch(settings, 1, 2, 3, 4)
    match_anew(account, settings)
    with pytest.raises(ReviewError, match="answered, or has changed"):
        reviews.question(question.id)


def test_a_subject_that_the_catalogue_does_not_know_is_asked_for(reviews, server):
    server.add_subject(77, 24, name="遠い星", name_cn="遥远的星")
    found = reviews.subject(77)
    assert (found.name, found.name_cn, found.episodes) == ("遠い星", "遥远的星", 24)
    asked = len(server.requests)
    assert reviews.subject(FIRST).name_cn == "星之茶壶"
    assert len(server.requests) == asked
    with pytest.raises(ReviewError, match="has no subject 78"):
        reviews.subject(78)


@pytest.mark.parametrize(
    "reference",
    [
        "12345",
        " 12345 ",
        "https://bgm.tv/subject/12345",
        "http://bangumi.tv/subject/12345/ep",
        "chii.in/subject/12345?x=1",
        "https://www.bgm.tv/subject/12345#comment",
    ],
)
def test_a_subject_is_a_number_or_an_address(reference):
    assert subject_number(reference) == 12345


@pytest.mark.parametrize(
    "reference",
    ["", "Star Kettle", "https://elsewhere.example/subject/1", "bgm.tv/ep/12", "1" * 20, "-1"],
)
def test_what_is_no_subject_is_refused(reference):
    with pytest.raises(ReviewError, match="is no subject"):
        subject_number(reference)


def test_the_file_keeps_what_the_user_wrote(tmp_path):
    path = tmp_path / "rules.toml"
    own = '# mine\n[[rule]]\ntitle = "B"   # first\nignore = true\n\n# the end, without a line end'
    path.write_text(own)
    path.chmod(0o640)
    rule = OverrideRule(tmdb="9", season=1, first=2, last=3, subject=4, note='"x"\n\x7f 茶')
    add_rule(path, tmp_path / "lock", rule)
    text = path.read_text()
    assert text.startswith(own)
    assert read_overrides(path).rules[0] == rule
    assert path.stat().st_mode & 0o777 == 0o640
    add_rule(path, tmp_path / "lock", rule)
    assert path.read_text() == text


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "git").mkdir()
    target = tmp_path / "git" / "rules.toml"
    target.write_text("")
    link = tmp_path / "matching.toml"
    link.symlink_to(target)
    add_rule(link, tmp_path / "lock", RULE)
    assert link.is_symlink()
    assert tomllib.loads(target.read_text())["rule"][0]["subject"] == 2


def test_rules_that_are_added_at_once_are_all_there(tmp_path):
    rules = [OverrideRule(tmdb=str(n), subject=n) for n in range(1, 31)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda rule: add_rule(tmp_path / "a", tmp_path / "lock", rule), rules))
    assert set(read_overrides(tmp_path / "a").rules) == set(rules)


@pytest.mark.parametrize(
    "content", ["[[rule]\n", "[[rule]]\nsubject = 1\n", 'rule = [{title = "a", ignore = true}]\n']
)
def test_a_file_that_takes_no_rule_stays_as_it_is_and_nothing_is_recorded(
    question, reviews, account, settings, content
):
    settings.overrides_path.write_text(content)
    with pytest.raises(OverridesError):
        reviews.record(question, place(question, SECOND), by="alice")
    assert settings.overrides_path.read_text() == content
    assert answers(account) == []
