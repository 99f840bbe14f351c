"""Recorded pages and feeds of others, beside the checkout, give what is expected of them."""

import json
from datetime import UTC
from pathlib import Path

import pytest

from sync_assets.watchlist.providers.animesama import parse_hub, parse_names, parse_players
from sync_assets.watchlist.providers.animeultime import parse_files, parse_player, parse_qualities
from sync_assets.watchlist.providers.conformance import ReplayClient
from sync_assets.watchlist.providers.feed_items import parse_feed
from sync_assets.watchlist.providers.html_index import HtmlIndexProvider, parse_index
from sync_assets.watchlist.providers.models import SeriesReference, VariantKind
from sync_assets.watchlist.providers.nekosama import parse_embeds, parse_episodes
from sync_assets.watchlist.providers.pages import Page

URL = "https://recorded.example/feed.xml"


def expected_of(folder: Path) -> dict:
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))


def number(value) -> object:
    return value if value is None else float(value)


def test_animesama(shared_data):
    folder = shared_data / "providers" / "animesama"
    for name, expected in expected_of(folder).items():
        text = (folder / name).read_text(encoding="utf-8")
        if "seasons" in expected:
            assert [[each.title, each.key, each.language] for each in parse_hub(text)] == expected[
                "seasons"
            ]
        elif "names" in expected:
            assert list(parse_names(text, expected["n"])) == expected["names"]
        else:
            found = {str(index): list(urls) for index, urls in parse_players(text).items()}
            assert found == expected.get("episodes", {})


def test_nekosama(shared_data):
    folder = shared_data / "providers" / "nekosama"
    expected = expected_of(folder)
    found = parse_episodes((folder / "info.html").read_text(encoding="utf-8")) or ()
    assert [[number(each.number), each.path] for each in found] == expected["info.html"]["episodes"]
    embeds = parse_embeds((folder / "episode.html").read_text(encoding="utf-8"))
    assert list(embeds) == expected["episode.html"]["embeds"]


def test_animeultime(shared_data):
    folder = shared_data / "providers" / "animeultime"
    expected = expected_of(folder)
    found = parse_files((folder / "fiche.html").read_text(encoding="utf-8")) or ()
    assert [
        [number(each.number) or "OAV", each.path, each.released and str(each.released)]
        for each in found
    ] == expected["fiche.html"]["episodes"]
    player = parse_player((folder / "player.html").read_text(encoding="utf-8"))
    assert player == expected["player.html"]
    qualities = parse_qualities((folder / "VideoPlayer.json").read_text(encoding="utf-8"))
    assert list(qualities) == [1080, 480]


def test_index(shared_data):
    folder = shared_data / "providers" / "index"
    expected = expected_of(folder)["nginx.html"]["files"]
    url = "http://nas.example/Show/"
    page = Page(url, (folder / "nginx.html").read_bytes(), "text/html")
    files = parse_index(page) or ()
    assert [[file.name, file.size_bytes] for file in files] == [
        [row[0], row[4]] for row in expected
    ]
    result = HtmlIndexProvider().episodes(SeriesReference(url), ReplayClient({url: page}))
    found = {
        variant.name: [int(episode.number or 0), variant.version, str(variant.resolution)]
        for episode in result.episodes
        for variant in episode.variants
    }
    assert found == {row[0]: row[1:4] for row in expected}


def recorded(shared_data: Path, name: str):
    return parse_feed(Page(URL, (shared_data / "rss" / name).read_bytes()))[1]


@pytest.mark.parametrize("name", ["animeko_acgrip", "animeko_breadio", "animeko_dmhy"])
def test_feeds_that_others_expect_something_of(shared_data, name):
    text = (shared_data / "rss" / f"{name}.expected.json").read_text(encoding="utf-8")
    expected = json.loads(text)["items"]
    found = recorded(shared_data, f"{name}.xml")
    assert [item.title for item in found] == [item["title"] for item in expected]
    assert [item.uri for item in found] == [item["enclosure"]["url"] for item in expected]


def test_every_recorded_feed_gives_items(shared_data):
    empty = [
        path.name
        for path in sorted((shared_data / "rss").glob("*.xml"))
        if not recorded(shared_data, path.name)
    ]
    # Usenet cannot be downloaded, and one feed gives no address at all.
    assert empty == [
        "sonarr_Fanzub_fanzub.xml",
        "sonarr_TorrentRss_invalid_ImmortalSeed_InvalidDownloadUrl.xml",
        "sonarr_encoded_title.xml",
        "sonarr_relative_urls.xml",
    ]


def test_particulars_of_recorded_feeds(shared_data):
    nyaa = recorded(shared_data, "sonarr_Nyaa_Nyaa2021.xml")
    assert {item.kind for item in nyaa} == {VariantKind.TORRENT}
    assert all(item.infohash and item.size_bytes for item in nyaa)
    torznab = recorded(shared_data, "sonarr_Torznab_torznab_animetosho.xml")
    assert [item.size_bytes for item in torznab] == [316477946, 473987489]
    assert all(item.infohash for item in torznab)
    mikan = recorded(shared_data, "mikan_subject_mushoku.xml")
    assert mikan[0].published_at is not None
    assert mikan[0].published_at.astimezone(UTC).hour == 13
    assert len({item.key for item in mikan}) == len(mikan) > 100
    batches = recorded(shared_data, "subsplease_batch.xml")
    assert all(item.infohash and item.size_bytes for item in batches)
