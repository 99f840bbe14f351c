"""The review as a user does it, in a real browser."""

import pytest
from playwright.sync_api import expect

from sync_assets.bangumi.matching import read_overrides
from sync_assets.settings import load_settings
from sync_assets_tests.bangumi.building import Account
from sync_assets_tests.bangumi.reviewing import SECOND, match_anew, watch, write_catalogue
from sync_assets_tests.server.browsing import PHONE, browsing, is_wider_than_its_window, sign_in
from sync_assets_tests.server.process import running_server
from sync_assets_tests.upstreams.bangumi import TOKEN, BangumiServer

pytestmark = [pytest.mark.browser, pytest.mark.end_to_end]


@pytest.fixture
def bangumi():
    with BangumiServer() as running:
        yield running
    assert running.violations == []


@pytest.fixture
def settings(tmp_path, bangumi, monkeypatch):
    (tmp_path / "sync.toml").write_text(
        f'home = "{tmp_path}"\n[bangumi]\nbase_url = "{bangumi.url}"\n'
        f'[bangumi.accounts.alice]\naccess_token = "{TOKEN}"\n'
    )
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    settings = load_settings()
    write_catalogue(settings)
    return settings


def test_a_user_chooses_a_candidate_on_a_phone(browser, settings, ledger, bangumi, tmp_path):
    watch(settings, 1, 2, 3, 20)
    match_anew(Account(bangumi, ledger, settings.home), settings)
    bangumi.add_subject(77, 24, name="遠い星", name_cn="遥远的星")
    configuration = {"SYNC_CONFIG": str(tmp_path / "sync.toml")}
    with running_server(tmp_path, configuration) as server, browsing(browser, server) as page:
        page.set_viewport_size(PHONE)
        page.goto("/review")
        sign_in(page, ledger)
        expect(page.get_by_role("link", name="Review")).to_have_attribute("aria-current", "page")
        assert not is_wider_than_its_window(page)
        question = page.get_by_role("article", name="Star Kettle")
        question.get_by_label("星の茶壺 第2期").check()
        question.get_by_role("button", name="Use this subject").click()
        expect(page.get_by_role("status")).to_contain_text("星之茶壶 第二季")
        expect(question).to_have_count(0)
        expect(page.get_by_role("button", name="Match now")).to_be_visible()
    (rule,) = read_overrides(settings.overrides_path).rules
    assert (rule.subject, rule.first, rule.last) == (SECOND, 1, 20)


def test_an_address_is_checked_while_the_user_decides(browser, settings, ledger, bangumi, tmp_path):
    watch(settings, 1)
    match_anew(Account(bangumi, ledger, settings.home), settings)
    bangumi.add_subject(77, 24, name="遠い星", name_cn="遥远的星")
    configuration = {"SYNC_CONFIG": str(tmp_path / "sync.toml")}
    with running_server(tmp_path, configuration) as server, browsing(browser, server) as page:
        page.goto("/review")
        sign_in(page, ledger)
        page.get_by_label("Another one").press_sequentially("https://bgm.tv/subject/77")
        expect(page.get_by_text("遥远的星")).to_be_visible()
        page.get_by_role("button", name="Use this subject").click()
        expect(page.get_by_role("status")).to_contain_text("遥远的星")
    (rule,) = read_overrides(settings.overrides_path).rules
    assert rule.subject == 77


def test_an_answer_that_makes_no_sense_is_said_and_can_be_mended(
    browser, settings, ledger, bangumi, tmp_path
):
    watch(settings, 1)
    match_anew(Account(bangumi, ledger, settings.home), settings)
    configuration = {"SYNC_CONFIG": str(tmp_path / "sync.toml")}
    with (
        running_server(tmp_path, configuration) as server,
        browsing(browser, server, expected=("400", "htmx:")) as page,
    ):
        page.goto("/review")
        sign_in(page, ledger)
        page.get_by_role("button", name="Use this subject").click()
        expect(page.get_by_role("alert")).to_contain_text("is no subject of Bangumi")
        page.get_by_label("星の茶壺 第2期").check()
        page.get_by_role("button", name="Use this subject").click()
        expect(page.get_by_role("status")).to_contain_text("星之茶壶 第二季")
