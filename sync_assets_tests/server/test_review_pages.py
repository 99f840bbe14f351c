"""The page of the review: questions, answers, and the run that obeys them."""

import re

import pytest

from sync_assets.bangumi.matching import read_overrides
from sync_assets.bangumi.reviewing import EVENT
from sync_assets.ledger.events import read_events
from sync_assets.ledger.tokens import Scope
from sync_assets.settings import Settings
from sync_assets_tests.bangumi.building import ACCOUNT, Account
from sync_assets_tests.bangumi.reviewing import (
    FIRST,
    SECOND,
    match_anew,
    watch,
    write_catalogue,
)
from sync_assets_tests.upstreams.bangumi import TOKEN, BangumiServer

HTMX = {"HX-Request": "true", "Accept": "*/*"}


@pytest.fixture
def bangumi():
    with BangumiServer() as running:
        yield running
    assert running.violations == []


@pytest.fixture
def settings(tmp_path, bangumi, webserver):
    settings = Settings.model_validate(
        {
            "home": tmp_path,
            "bangumi": {
                "base_url": bangumi.url,
                "accounts": {ACCOUNT: {"access_token": TOKEN}},
            },
            "dagster": {"port": webserver.port},
        }
    )
    write_catalogue(settings)
    return settings


@pytest.fixture
def question_id(client, sign_in, settings, bangumi, ledger):
    """Three episodes wait, and a user is signed in; the id of the question."""
    watch(settings, 1, 2, 3)
    match_anew(Account(bangumi, ledger, settings.home), settings)
    sign_in(Scope.USER)
    (found,) = re.findall(r'id="question-(\w+)"', client.get("/review").text)
    return found


def rules(settings):
    return [
        (each.season, each.first, each.last, each.subject, each.offset, each.ignore)
        for each in read_overrides(settings.overrides_path).rules
    ]


def answer(client, question_id, **fields):
    return client.post("/review/answer", data={"id": question_id, **fields}, headers=HTMX)


def test_the_page_is_for_users(client):
    assert client.get("/review").status_code == 401


def test_a_question_shows_what_a_person_needs_to_decide(client, question_id):
    text = client.get("/review").text
    for expected in ("Star Kettle", "星の茶壺 第2期", "星之茶壶 第二季", "season 2, episodes 1–3"):  # noqa: RUF001
        assert expected in text
    assert f"https://bgm.tv/subject/{SECOND}" in text


def test_an_answer_becomes_a_rule_and_an_event(client, question_id, settings, ledger):
    shown = answer(client, question_id, choice="place", subject=str(SECOND))
    assert shown.status_code == 200
    assert "星之茶壶 第二季" in shown.text
    assert "<html" not in shown.text
    assert rules(settings) == [(2, 1, 3, SECOND, 0, False)]
    with ledger.read() as connection:
        (event,) = read_events(connection, entity=EVENT)
    assert (event.entity_id, event.detail["by"]) == (question_id, "browser user")
    assert question_id not in client.get("/review").text


def test_without_htmx_an_answer_leads_back_and_is_said(client, question_id, settings):
    data = {"id": question_id, "choice": "place", "subject": str(FIRST), "episode": "4"}
    shown = client.post("/review/answer", data=data)
    assert "Stored: Star Kettle" in shown.text
    assert rules(settings) == [(2, 1, 3, FIRST, 3, False)]


def test_another_subject_is_looked_up_and_counts_more(client, question_id, settings, bangumi):
    bangumi.add_subject(77, 24, name="遠い星", name_cn="遥远的星")
    address = "https://bgm.tv/subject/77"
    assert "遥远的星" in client.get("/review/subject", params={"reference": address}).text
    answer(client, question_id, choice="place", subject=str(FIRST), reference=address)
    assert rules(settings) == [(2, 1, 3, 77, 0, False)]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("ignore", (2, 1, 3, None, 0, True)), ("ignore_all", (None, None, None, None, 0, True))],
)
def test_episodes_or_the_whole_show_are_left_alone(client, question_id, settings, choice, expected):
    assert "is left alone" in answer(client, question_id, choice=choice).text
    assert rules(settings) == [expected]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"choice": "place"}, "is no subject of Bangumi"),
        ({"choice": "place", "reference": "78"}, "has no subject 78"),
        ({"choice": "place", "subject": "11", "episode": "x"}, "is no episode"),
        ({"choice": "place", "subject": "11", "episode": "0"}, "no episode 0"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused_with_a_reason(
    client, question_id, settings, fields, problem
):
    refused = answer(client, question_id, **fields)
    assert refused.status_code == 400
    assert problem in refused.text
    assert rules(settings) == []


def test_an_answer_that_comes_twice_is_stored_once(client, question_id, settings):
    answer(client, question_id, choice="ignore")
    again = answer(client, question_id, choice="ignore")
    assert again.status_code == 400
    assert "it is answered" in again.text
    assert len(rules(settings)) == 1


def test_broken_rules_of_the_user_are_said_with_what_to_do(client, question_id, settings):
    settings.overrides_path.write_text("[[rule]\n")
    shown = client.get("/review", headers={"Accept": "text/html"})
    assert shown.status_code == 503
    assert "is not TOML" in shown.text
    assert "Mend the line" in shown.text


def test_the_run_that_obeys_is_started_for_whose_answers_wait(client, question_id, webserver):
    client.post("/review/run")
    assert webserver.launched == []
    assert "Match now" in answer(client, question_id, choice="ignore").text
    assert "A run is on its way for alice." in client.post("/review/run").text
    assert webserver.launched == [{"dagster/partition": "alice"}]


def test_where_no_run_can_be_started_the_answers_are_kept(client, question_id, webserver, settings):
    answer(client, question_id, choice="ignore")
    webserver.answer = lambda asked: {"errors": ["down"]}
    failed = client.post("/review/run", headers=HTMX)
    assert failed.status_code == 503
    assert "The answers are stored." in failed.text
    assert len(rules(settings)) == 1


def test_what_has_a_wrong_form_is_refused(client, question_id, settings):
    assert answer(client, question_id, choice="delete").status_code == 422
    assert answer(client, "x" * 99, choice="ignore").status_code == 422
    assert rules(settings) == []
