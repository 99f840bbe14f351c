"""Add by URL: the preview, the form, and errors beside the fields that they are about."""

import re

import pytest

from sync_assets.watchlist import items
from sync_assets_tests.upstreams.feed_site import Document, Fault
from sync_assets_tests.watchlist.pages.conftest import plain
from sync_assets_tests.watchlist.watching import feed

WRONG_FIELDS = [
    ("check_interval_hours", "169", "Must be a whole number from 1 to 168."),
    ("check_interval_hours", "six", "Must be a whole number."),
    ("numbering_offset", "1.5", "Must be a whole number."),
    ("expected_episodes", "0", "Must be a whole number from 1 to 100000."),
    ("ends_on", "tomorrow", "Must be a day, such as 2026-11-22."),
    ("language", "<ja>", "May hold letters, digits and hyphens only"),
    ("folder_template", "../{title}", "Must be a folder within the library"),
    ("folder_template", "{nonsense}", "Has the unknown field {nonsense}"),
    ("poster_url", "javascript:alert(1)", "Must be a whole http or https address"),
    ("quality", "4000p", "Input should be"),
]


def error_of(page: str, field: str) -> str:
    """Return what the page says beside a field, to which the field must point."""
    found = re.search(rf'<span id="{field}-error"[^>]*>(.*?)</span>', page, re.DOTALL)
    assert found, f"nothing is said of {field}"
    assert re.search(rf'aria-describedby="{field}-error', page)
    return plain(found[1])


def test_a_preview_says_what_is_there_and_offers_to_watch_it(client, site):
    answer = client.post("/watchlist/add/preview", data={"url": f"{site.url}/feed.xml"})
    assert answer.status_code == 200
    text = plain(answer.text)
    assert "3 episodes" in text
    assert "1080p · Group" in text
    # Not the feed's own name: nothing in it would fit that.
    assert 'value="Hoshizora"' in answer.text
    assert '<option value="feed" selected>' in answer.text
    assert "Add to the watchlist" in text


def test_what_is_added_is_watched_and_due_at_once(client, site, ledger):
    url = f"{site.url}/feed.xml"
    form = {
        "url": url,
        "title": "Hoshizora",
        "provider": "feed",
        "language": "ja",
        "quality": "720p",
        "preferred_groups": "SubsPlease, 喵萌奶茶",
        "check_interval_hours": "12",
        "numbering_offset": "-12",
        "folder_template": "{title}",
        "genres": "Drame、Sci-Fi",
        "ends_on": "2027-03-28",
    }
    answer = client.post("/watchlist/add", data=form)
    assert answer.status_code == 303, plain(answer.text)
    with ledger.read() as connection:
        row = items.find(connection, "alice", url)
    assert row is not None
    assert answer.headers["location"] == f"/watchlist/{row.id}"
    assert (row.title, row.language, row.quality) == ("Hoshizora", "ja", "720p")
    assert row.preferred_groups == ["SubsPlease", "喵萌奶茶"]
    assert row.genres == ["Drame", "Sci-Fi"]
    assert (row.check_interval_hours, row.numbering_offset) == (12, -12)
    assert row.auto_download is False  # a box that is not checked is not sent
    assert "Hoshizora is on your watchlist" in plain(client.get(f"/watchlist/{row.id}").text)


def test_of_several_works_the_user_names_one(client, site):
    entries = [(f"[G] {title} - 01.mkv", f"http://t.example/{title}") for title in ("Aria", "Baki")]
    site.documents["/many.xml"] = Document(feed(entries))
    url = f"{site.url}/many.xml"
    page = client.post("/watchlist/add/preview", data={"url": url}).text
    assert "The list holds 2 works" in plain(page)
    assert '<option value="Aria">' in page
    refused = client.post("/watchlist/add", data={"url": url})
    assert refused.status_code == 422
    assert "Aria, Baki" in error_of(refused.text, "title")


@pytest.mark.parametrize(("field", "text", "problem"), WRONG_FIELDS)
def test_a_field_that_cannot_be_used_says_why_and_keeps_the_rest(client, field, text, problem):
    form = {"url": "https://feeds.example/x.xml", "title": "Étoile", "provider": "feed"}
    answer = client.post("/watchlist/add", data=form | {field: text})
    assert answer.status_code == 422
    assert 'value="Étoile"' in answer.text
    if field == "quality":  # a list, which a browser cannot send otherwise
        assert problem in plain(answer.text)
    else:
        assert error_of(answer.text, field).startswith(problem)


def test_htmx_gets_the_form_with_its_errors_too(client):
    answer = client.post(
        "/watchlist/add/preview", data={"url": "nonsense"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert "Must be a whole http or https address" in error_of(answer.text, "url")


def test_an_address_in_a_private_network_is_refused(client):
    for path in ("/watchlist/add", "/watchlist/add/preview"):
        answer = client.post(path, data={"url": "http://10.0.0.1/feed.xml"})
        assert answer.status_code == 422
        assert "private network" in error_of(answer.text, "url")
    assert 'action="/watchlist/add"' not in answer.text


def test_what_cannot_be_looked_at_can_be_added_by_whoever_knows_what_it_is(client, site):
    site.faults["/feed.xml"] = Fault.SERVER_ERROR
    answer = client.post("/watchlist/add/preview", data={"url": f"{site.url}/feed.xml"})
    assert "HTTP 500" in error_of(answer.text, "url")
    assert 'action="/watchlist/add"' in answer.text
    assert 'name="auto_download" value="true" checked' in answer.text


def test_what_is_watched_already_leads_to_its_item(client, add):
    item = add(url="https://feeds.example/show.xml")
    form = {"url": "https://FEEDS.example:443/show.xml", "title": "Again", "provider": "feed"}
    for path in ("/watchlist/add/preview", "/watchlist/add"):
        answer = client.post(path, data=form)
        assert answer.status_code == 409
        assert f'href="/watchlist/{item.id}"' in answer.text


def test_what_a_page_says_is_never_executed(client, site):
    hostile = '<meta property="og:title" content="&lt;img src=x onerror=alert(1)&gt;">'
    script = '<script>var episodes = [{"episode":"Ep. 1","num":1,"url":"/e/1"}];</script>'
    site.documents["/s"] = Document(f"<html>{hostile}{script}</html>".encode(), "text/html")
    answer = client.post(
        "/watchlist/add/preview", data={"url": f"{site.url}/s", "provider": "nekosama"}
    )
    assert "<img src=x" not in answer.text
