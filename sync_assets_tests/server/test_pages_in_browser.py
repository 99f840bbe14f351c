"""The frame of the pages in a real browser: sign in, look, sign out."""

import pytest
from playwright.sync_api import expect

from sync_assets.ledger.results import Result, ResultStatus, record_result
from sync_assets_tests.server.browsing import (
    PHONE,
    browsing,
    is_wider_than_its_window,
    sign_in,
)
from sync_assets_tests.server.process import running_server

pytestmark = [pytest.mark.browser, pytest.mark.end_to_end]

CATALOGUE = {"SYNC_CATALOG__ENABLED": "true"}


def test_a_user_signs_in_sees_the_overview_and_signs_out(browser, ledger, tmp_path):
    with running_server(tmp_path, CATALOGUE) as server, browsing(browser, server) as page:
        page.goto("/")
        sign_in(page, ledger)
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        expect(page.get_by_role("link", name="Overview")).to_have_attribute("aria-current", "page")
        expect(page.get_by_text("Waiting for a first run")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You are signed out.")).to_be_visible()
        page.goto("/")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_overview_follows_what_happens(browser, ledger, tmp_path):
    with running_server(tmp_path, CATALOGUE) as server, browsing(browser, server) as page:
        page.goto("/")
        sign_in(page, ledger)
        expect(page.get_by_text("Waiting for a first run")).to_be_visible()
        with ledger.write() as connection:
            record_result(connection, Result("catalog", "anime", ResultStatus.OK, added=12_345))
        # The page asks by itself every ten seconds.
        expect(page.get_by_text("12,345")).to_be_visible(timeout=60_000)


def test_the_keyboard_is_enough_and_a_small_phone_needs_no_sideways_scrolling(
    browser, ledger, tmp_path
):
    with running_server(tmp_path, CATALOGUE) as server, browsing(browser, server) as page:
        page.set_viewport_size(PHONE)
        page.goto("/")
        assert not is_wider_than_its_window(page)
        sign_in(page, ledger)
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        assert not is_wider_than_its_window(page)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("main")).to_be_focused()


def test_a_page_says_when_the_server_is_gone(browser, ledger, tmp_path):
    with (
        running_server(tmp_path, CATALOGUE) as server,
        browsing(browser, server, expected=("ERR_CONNECTION_REFUSED", "htmx:")) as page,
    ):
        page.goto("/")
        sign_in(page, ledger)
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        server.kill()
        expect(page.get_by_text("The server does not answer.")).to_be_visible(timeout=60_000)
