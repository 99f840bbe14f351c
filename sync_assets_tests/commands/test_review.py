"""`scripts/review`: list what waits and answer it, while nothing runs."""

import json

import pytest

from sync_assets.bangumi.matching import read_overrides
from sync_assets.bangumi.reviewing import EVENT, ReviewError
from sync_assets.commands.review import main
from sync_assets.ledger import Ledger
from sync_assets.ledger.events import read_events
from sync_assets.settings import load_settings
from sync_assets_tests.bangumi.building import ACCOUNT, Account
from sync_assets_tests.bangumi.reviewing import FIRST, SECOND, match_anew, watch, write_catalogue
from sync_assets_tests.upstreams.bangumi import TOKEN, BangumiServer


@pytest.fixture
def bangumi():
    with BangumiServer() as running:
        yield running
    assert running.violations == []


@pytest.fixture
def settings(tmp_path, bangumi, monkeypatch):
    """A configuration whose account has watched three episodes that no source places."""
    (tmp_path / "sync.toml").write_text(
        f'home = "home"\n[bangumi]\nbase_url = "{bangumi.url}"\n'
        f'[bangumi.accounts.{ACCOUNT}]\naccess_token = "{TOKEN}"\n'
    )
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    settings = load_settings()
    write_catalogue(settings)
    watch(settings, 1, 2, 3)
    ledger = Ledger.open(settings.ledger_url)
    match_anew(Account(bangumi, ledger, settings.home), settings)
    ledger.close()
    return settings


def listed(capsys):
    capsys.readouterr()
    assert main(["list", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def rule(settings):
    (found,) = read_overrides(settings.overrides_path).rules
    return found


def test_the_list_tells_programs_all_there_is_to_know(settings, capsys):
    (question,) = listed(capsys)
    expected = {
        "title": "Star Kettle",
        "original_title": "星の茶壺",
        "year": 2026,
        "media_type": "episode",
        "season": 2,
        "first": 1,
        "last": 3,
        "episodes": 3,
        "accounts": [ACCOUNT],
        "suggestion": None,
    }
    assert {name: question[name] for name in expected} == expected
    assert [each["subject"] for each in question["candidates"]] == [FIRST, SECOND]
    assert question["candidates"][0]["name_cn"] == "星之茶壶"
    assert question["evidence"]


def test_the_list_shows_people_what_waits(settings, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for expected in ("Star Kettle", "season 2", "星の茶壺 第2期"):
        assert expected in shown


def test_an_address_corrects_and_is_recorded(settings, capsys, bangumi):
    bangumi.add_subject(77, 24, name="遠い星", name_cn="遥远的星")
    (question,) = listed(capsys)
    address = "https://bgm.tv/subject/77"
    assert main(["correct", question["id"], address, "--episode", "13"]) == 0
    assert "遥远的星" in capsys.readouterr().out
    found = rule(settings)
    assert (found.subject, found.first, found.last, found.offset) == (77, 1, 3, 12)
    assert listed(capsys) == []
    ledger = Ledger.open(settings.ledger_url)
    with ledger.read() as connection:
        (event,) = read_events(connection, entity=EVENT)
    ledger.close()
    assert event.detail["by"] == "scripts/review"


def test_a_show_is_left_alone(settings, capsys):
    (question,) = listed(capsys)
    assert main(["ignore", question["id"], "--whole-show"]) == 0
    found = rule(settings)
    assert (found.ignore, found.season, found.first) == (True, None, None)


@pytest.mark.parametrize(
    "command", [["accept"], ["correct", "78"], ["correct", "elsewhere"], ["ignore", "gone"]]
)
def test_what_is_not_possible_says_what_to_do(settings, capsys, command):
    (question,) = listed(capsys)
    name, *arguments = command
    question_id = question["id"] if arguments != ["gone"] else arguments.pop()
    with pytest.raises(ReviewError) as refused:
        main([name, question_id, *arguments])
    assert refused.value.remedy
    assert read_overrides(settings.overrides_path).rules == ()
