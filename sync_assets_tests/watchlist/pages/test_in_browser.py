"""The watchlist as a user works with it, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from sync_assets.ledger import Ledger
from sync_assets.settings import Settings
from sync_assets.watchlist.store import episodes, items
from sync_assets.watchlist.store.episodes import SeenEpisode
from sync_assets_tests.server.browsing import (
    PHONE,
    browsing,
    is_wider_than_its_window,
    sign_in,
)
from sync_assets_tests.server.process import RunningServer, running_server
from sync_assets_tests.upstreams.feed_site import FeedSite
from sync_assets_tests.watchlist.building import add_item, numbered

pytestmark = [pytest.mark.browser, pytest.mark.end_to_end]

PAGES = ("", "/add", "/1", "/1/edit", "/1/delete", "/calendar", "/statistics", "/settings")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[RunningServer]:
    environment = {
        "SYNC_WATCHLIST__ALLOWED_PRIVATE_HOSTS": '["127.0.0.1"]',
        "SYNC_WATCHLIST__FETCHING__REQUESTS_PER_SECOND": "20",
    }
    with running_server(home, environment) as running:
        yield running


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    ledger = Ledger.open(Settings(home=home).ledger_url)
    yield ledger
    ledger.close()


@pytest.fixture
def watched(ledger: Ledger) -> None:
    """What the user called "browser" watches, whatever the tests before did."""
    with ledger.write() as connection:
        title = (
            "Les Carnets de l'apothicaire: l'édition intégrale et ininterrompue 薬屋のひとりごと"
        )
        url = "https://feeds.example/apothicaire"
        row = items.find(connection, "browser", url)
        if row is None:
            row = add_item(connection, "browser", title=title, url=url)
        episodes.see(connection, row, [SeenEpisode(numbered("1"), title="マオマオ" * 9)])


def begin(page: Page, ledger: Ledger, path: str = "/watchlist") -> None:
    page.goto(path)
    sign_in(page, ledger)


def test_a_user_adds_an_item_opens_it_pauses_it_and_changes_the_settings(
    browser: Browser, server: RunningServer, ledger: Ledger, site: FeedSite
) -> None:
    with browsing(browser, server) as page:
        begin(page, ledger)
        page.get_by_role("link", name="Add", exact=True).click()
        page.get_by_label("Address", exact=True).fill("http://10.0.0.1/feed.xml")
        page.get_by_role("button", name="Look").click()
        expect(page.get_by_label("Address", exact=True)).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_role("alert")).to_contain_text("private network")
        page.get_by_label("Address", exact=True).fill(f"{site.url}/feed.xml")
        page.get_by_role("button", name="Look").click()
        expect(page.get_by_role("heading", name="Hoshizora")).to_be_visible()
        page.get_by_label("Hours between checks").fill("12")
        page.get_by_label("Picture").select_option("720p")
        page.get_by_role("button", name="Add to the watchlist").click()
        expect(page.get_by_role("heading", name="Hoshizora")).to_be_visible()
        expect(page.get_by_text("every 12 h")).to_be_visible()

        page.get_by_role("link", name="Watching").click()
        card = page.get_by_role("article", name="Hoshizora")
        card.get_by_role("button", name="Pause").click()
        expect(card.get_by_text("Paused")).to_be_visible()
        expect(page.get_by_text("Hoshizora is paused.")).to_be_visible()
        page.get_by_label("Search").fill("nowhere")
        expect(page.get_by_text("Nothing fits")).to_be_visible()
        expect(page).to_have_url(re.compile("text=nowhere"))
        page.get_by_label("Search").fill("hoshi")
        card.get_by_role("button", name="Resume").click()
        expect(card.get_by_text("Active")).to_be_visible()
        page.get_by_label("Status").select_option("completed")
        expect(page.get_by_text("Nothing fits")).to_be_visible()
        expect(page).to_have_url(re.compile("text=hoshi&status=completed"))

        page.get_by_role("link", name="Settings").click()
        page.get_by_label("Downloads at a time").fill("5")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("The settings are saved.")).to_be_visible()
        expect(page.get_by_label("Downloads at a time")).to_have_value("5")
        page.get_by_label("For whom").fill("Marie")
        page.get_by_role("button", name="Make an address").click()
        expect(page.get_by_text("shown only this once")).to_be_visible()


@pytest.mark.usefixtures("watched")
def test_an_episode_is_skipped_and_its_releases_are_looked_at(
    browser: Browser, server: RunningServer, ledger: Ledger
) -> None:
    with browsing(browser, server) as page:
        begin(page, ledger)
        page.get_by_role("link", name="Les Carnets").click()
        episode = page.get_by_role("listitem").filter(has=page.get_by_text("S01E01", exact=True))
        episode.get_by_text("Releases").click()
        expect(episode.get_by_text("Nobody offers it now.")).to_be_visible()
        episode.get_by_role("button", name="Skip").click()
        expect(episode.get_by_text("Skipped", exact=True)).to_be_visible()
        page.get_by_role("link", name="Change").click()
        page.get_by_role("link", name="Delete").click()
        page.get_by_role("button", name="Delete for good").click()
        expect(page.get_by_text("is deleted.")).to_be_visible()


@pytest.mark.usefixtures("watched")
def test_no_page_needs_sideways_scrolling_on_a_small_phone(
    browser: Browser, server: RunningServer, ledger: Ledger
) -> None:
    with browsing(browser, server) as page:
        page.set_viewport_size(PHONE)
        begin(page, ledger)
        (item,) = page.get_by_role("article").filter(has_text="Carnets").all()[:1]
        address = item.get_by_role("link").first.get_attribute("href")
        for path in PAGES:
            page.goto(f"/watchlist{path}".replace("/watchlist/1", str(address)))
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            assert not is_wider_than_its_window(page), path


def test_everything_works_without_scripts(
    browser: Browser, server: RunningServer, ledger: Ledger, site: FeedSite
) -> None:
    context = browser.new_context(base_url=server.url, java_script_enabled=False)
    page = context.new_page()
    begin(page, ledger, "/watchlist/add")
    page.get_by_label("Address", exact=True).fill(f"{site.url}/feed.xml")
    page.get_by_role("button", name="Look").click()
    page.get_by_label("Title").fill("Without scripts")
    page.get_by_role("button", name="Add to the watchlist").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Without scripts is paused.")).to_be_visible()
    page.get_by_role("link", name="Watching").click()
    page.get_by_label("Status").select_option("paused")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("article", name="Without scripts")).to_be_visible()
    context.close()
