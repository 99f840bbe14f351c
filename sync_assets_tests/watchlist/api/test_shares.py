"""Feeds and lists: valid whatever a title holds, fetched again only if new, gone when revoked."""

import xml.etree.ElementTree as ET
from email.utils import parsedate_to_datetime

import feedparser
import pytest

from sync_assets.watchlist.models import EpisodeState
from sync_assets.watchlist.store import episodes, items
from sync_assets.watchlist.store.episodes import SeenEpisode
from sync_assets.watchlist.titles import EpisodeKind
from sync_assets_tests.watchlist.building import numbered

TITLE = '<b>&amp; ]]> "星空" 🌌 \u202e\x01\x0b\ufffe'
SHOWN = '<b>&amp; ]]> "星空" 🌌 \u202e'


@pytest.fixture
def share(client, alice):
    def make(kind: str) -> dict:
        answer = client.post(
            "/api/watchlist/shares", json={"kind": kind, "name": "telly"}, headers=alice
        )
        assert answer.status_code == 201
        return answer.json()

    return make


@pytest.fixture
def watched(add, ledger) -> None:
    item = add("show", url="https://public.example/feed.xml?apikey=SECRETKEY")["id"]
    with ledger.write() as connection:
        row = items.edit(connection, item, title=TITLE)
        for number, state, kind in (
            ("1", EpisodeState.FOUND, EpisodeKind.REGULAR),
            ("12.5", EpisodeState.WANTED, EpisodeKind.REGULAR),
            ("2", EpisodeState.FOUND, EpisodeKind.SPECIAL),
            ("3", EpisodeState.EXPECTED, EpisodeKind.REGULAR),
            ("4", EpisodeState.HAD, EpisodeKind.REGULAR),
        ):
            seen = SeenEpisode(numbered(number, kind=kind), state=state, title="A <i>")
            episodes.see(connection, row, [seen])


@pytest.mark.usefixtures("watched")
def test_the_feed_holds_what_is_new_and_is_valid(client, share):
    answer = client.get(share("feed")["path"])
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/rss+xml")
    root = ET.fromstring(answer.content)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    assert all(
        root.find(f"channel/{name}") is not None for name in ("title", "link", "description")
    )
    titles = [item.findtext("title") for item in root.iter("item")]
    assert titles == [
        f"{SHOWN} Special 2: A <i>",
        f"{SHOWN} S01E12.5: A <i>",
        f"{SHOWN} S01E01: A <i>",
    ]
    guids = [guid for item in root.iter("item") for guid in item.findall("guid")]
    assert len({guid.text for guid in guids}) == 3
    assert all(guid.get("isPermaLink") == "false" for guid in guids)
    for item in root.iter("item"):
        assert parsedate_to_datetime(item.findtext("pubDate", "")).tzinfo is not None
    assert not feedparser.parse(answer.content).bozo


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("kind", ["feed", "list"])
def test_neither_secret_addresses_nor_the_owner_are_told(client, share, kind):
    text = client.get(share(kind)["path"]).text
    assert "SECRETKEY" not in text
    assert "public.example" not in text
    assert "alice" not in text


def test_an_empty_feed_is_a_feed(client, share):
    answer = client.get(share("feed")["path"])
    assert not feedparser.parse(answer.content).bozo


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("kind", ["feed", "list"])
def test_what_a_reader_has_is_not_sent_again(client, share, ledger, kind):
    path = share(kind)["path"]
    etag = client.get(path).headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == etag
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    with ledger.write() as connection:
        row = items.get(connection, 1)
        episodes.see(connection, row, [SeenEpisode(numbered("13"))])
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.usefixtures("watched")
def test_the_list_shows_what_is_watched_and_how_much_is_had(client, share):
    (item,) = client.get(share("list")["path"]).json()["items"]
    assert (item["title"], item["episodes"], item["episodes_had"]) == (TITLE, 5, 1)


def test_a_share_is_for_its_kind_alone_until_it_is_revoked(client, alice, bob, share):
    made = share("feed")
    secret = made["path"].removeprefix("/feeds/").removesuffix(".xml")
    assert client.get(f"/lists/{secret}").status_code == 404
    listed = client.get("/api/watchlist/shares", headers=alice).json()
    assert [each["name"] for each in listed] == ["telly"]
    assert secret not in str(listed)
    assert client.get("/api/watchlist/shares", headers=bob).json() == []
    address = f"/api/watchlist/shares/{made['id']}"
    assert client.delete(address, headers=bob).status_code == 404
    assert client.get(made["path"]).status_code == 200
    assert client.delete(address, headers=alice).status_code == 204
    assert client.delete(address, headers=alice).status_code == 404
    assert client.get(made["path"]).status_code == 404


@pytest.mark.parametrize("path", ["/feeds/x.xml", "/lists/x", "/feeds/%00.xml", "/lists/%F0%9F"])
def test_an_unknown_secret_leads_nowhere(client, path):
    assert client.get(path).status_code == 404


def test_there_are_only_so_many_shares(client, alice, monkeypatch):
    monkeypatch.setattr("sync_assets.server.watchlist.shares.MOST_SHARES", 1)
    form = {"kind": "feed"}
    answers = [
        client.post("/api/watchlist/shares", json=form, headers=alice).status_code for _ in range(2)
    ]
    assert answers == [201, 409]
