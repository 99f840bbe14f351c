"""Feeds are read whatever a site makes of the format."""

import base64
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sync_assets.watchlist.providers.conformance import ReplayClient
from sync_assets.watchlist.providers.feed_items import NotAFeedError, parse_feed
from sync_assets.watchlist.providers.feeds import FeedProvider
from sync_assets.watchlist.providers.models import ListStatus, SeriesReference, VariantKind
from sync_assets.watchlist.providers.pages import Page
from sync_assets.watchlist.providers.protocol import NotResolvableError
from sync_assets.watchlist.providers.torrents import infohash_of, infohash_of_magnet, size_of

URL = "https://feeds.example/some/feed.xml"
HASH = "0123456789abcdef0123456789abcdef01234567"
BASE32 = base64.b32encode(bytes.fromhex(HASH)).decode()


def items(*bodies: str, namespaces: str = "", encoding: str = "utf-8"):
    text = (
        f"<?xml version='1.0' encoding='{encoding}'?><rss version='2.0' {namespaces}><channel>"
        f"<title>Feed</title>{''.join(f'<item>{body}</item>' for body in bodies)}</channel></rss>"
    )
    return parse_feed(Page(URL, text.encode(encoding), "application/rss+xml"))[1]


def test_nyaa_gives_the_torrent_as_the_link():
    (item,) = items(
        f"<title>[G] Hoshi - 08</title><link>https://n.example/download/1.torrent</link>"
        f"<guid>https://n.example/view/1</guid><nyaa:infoHash>{HASH}</nyaa:infoHash>"
        "<nyaa:size>512.5 MiB</nyaa:size><pubDate>Tue, 03 Nov 2026 20:15:30 -0000</pubDate>",
        namespaces='xmlns:nyaa="https://n.example/xmlns/nyaa"',
    )
    assert (item.kind, item.uri) == (VariantKind.TORRENT, "https://n.example/download/1.torrent")
    assert (item.key, item.infohash) == (f"btih:{HASH}", HASH)
    assert item.size_bytes == int(512.5 * 1024**2)
    assert item.published_at == datetime(2026, 11, 3, 20, 15, 30, tzinfo=UTC)


def test_mikan_times_are_those_of_china_and_its_guid_is_the_title():
    same_title = "<title>[G] Hoshi - 10</title><guid isPermaLink='false'>[G] Hoshi - 10</guid>"
    found = items(
        *(
            f"{same_title}<torrent xmlns='https://mikanani.me/0.1/'><contentLength>{size}</contentLength>"
            f"<pubDate>2026-11-03T20:15:30.250</pubDate></torrent><enclosure url='https://m.example/{name}"
            f".torrent' type='application/x-bittorrent' length='0'/>"
            for name, size in (("a" * 40, 100), ("b" * 40, 200))
        )
    )
    assert [item.infohash for item in found] == ["a" * 40, "b" * 40]
    assert [item.size_bytes for item in found] == [100, 200]
    assert found[0].published_at == datetime(2026, 11, 3, 12, 15, 30, 250000, tzinfo=UTC)


def test_subsplease_gives_the_infohash_as_guid_and_batches():
    (item,) = items(
        "<title>[S] Hoshi (01-12) (1080p) [Batch]</title><link>https://n.example/view/5/torrent</link>"
        f"<guid isPermaLink='false'>{BASE32}</guid>"
        "<s:size>10.25 GiB</s:size>",
        namespaces='xmlns:s="https://s.example/rss"',
    )
    assert item.kind is VariantKind.TORRENT
    assert item.infohash == HASH
    assert item.size_bytes == int(10.25 * 1024**3)


def test_dmhy_gives_a_magnet_link_of_length_nought():
    magnet = f"magnet:?xt=urn:btih:{BASE32}&amp;dn=x"
    (item,) = items(
        f"<title>[G] Hoshi [07v2]</title><link>https://d.example/t/1</link>"
        f"<enclosure url='{magnet}' length='0' type='application/x-bittorrent'/>"
    )
    assert item.kind is VariantKind.MAGNET
    assert item.infohash == HASH
    assert item.size_bytes is None


def test_torznab_attributes_are_all_read():
    (item,) = items(
        "<title>Hoshi 07</title><link>https://t.example/view/1</link>"
        "<enclosure url='https://t.example/1.torrent' type='application/x-bittorrent' length='0'/>"
        f"<torznab:attr name='size' value='123456789'/>"
        f"<torznab:attr name='infohash' value='{HASH}'/>"
        "<torznab:attr name='category' value='5070'/>",
        namespaces='xmlns:torznab="http://torznab.com/schemas/2015/feed"',
    )
    assert (item.infohash, item.size_bytes) == (HASH, 123456789)


def test_relative_addresses_missing_dates_and_wrong_sizes():
    (item,) = items(
        "<title>Hoshi 07</title>"
        "<enclosure url='get/1.mkv?a=1&amp;b=2' length='many' type='video/x'/>"
    )
    assert item.uri == "https://feeds.example/some/get/1.mkv?a=1&b=2"
    assert item.kind is VariantKind.HTTP
    assert (item.published_at, item.size_bytes) == (None, None)


def test_the_same_item_twice_is_one_and_an_item_without_an_address_none():
    enclosure = "<enclosure url='https://x.example/1.torrent' type='application/x-bittorrent'/>"
    found = items(
        f"<title>Hoshi 07</title>{enclosure}",
        f"<title>Hoshi 07</title>{enclosure}",
        "<title>Hoshi 08</title>",
        f"<description>no title</description>{enclosure}",
        "<title>Hoshi 09</title><link>javascript:alert(1)</link>",
        "<title>Hoshi 10</title><enclosure url='https://x.example/a' type='application/x-nzb'/>",
    )
    assert [item.title for item in found] == ["Hoshi 07"]


def test_titles_that_are_encoded_twice():
    (item,) = items(
        "<title>Hoshi &amp;amp; Zora - 07</title><link>https://x.example/1.torrent</link>"
    )
    assert item.title == "Hoshi & Zora - 07"


def test_a_feed_that_breaks_off_still_gives_its_items():
    text = (
        "<rss version='2.0'><channel><title>F</title><item><title>Hoshi 07</title>"
        "<link>https://x.example/1.torrent</link></item><item><title>Hoshi 08</ti"
    )
    _, found = parse_feed(Page(URL, text.encode()))
    assert "Hoshi 07" in [item.title for item in found]


@pytest.mark.parametrize("encoding", ["gbk", "shift_jis", "utf-16"])
def test_old_encodings(encoding):
    (item,) = items(
        "<title>星空 第07話</title><link>https://x.example/1.torrent</link>", encoding=encoding
    )
    assert item.title == "星空 第07話"


@pytest.mark.parametrize(
    "content",
    [b"", b"<html></html>", b"{}", b"<!DOCTYPE x [<!ENTITY a 'b'>]><rss><channel></channel></rss>"],
)
def test_what_is_no_feed(content):
    with pytest.raises(NotAFeedError):
        parse_feed(Page(URL, content))


def test_an_empty_feed_is_no_failure():
    client = ReplayClient(
        {URL: Page(URL, b"<rss version='2.0'><channel><title>F</title></channel></rss>")}
    )
    result = FeedProvider().episodes(SeriesReference(URL), client)
    assert (result.status, result.episodes, result.title) == (ListStatus.OK, (), "F")


def listed(*names: str, title: str | None = None):
    bodies = "".join(
        f"<item><title>{name}</title><link>https://x.example/{index}.torrent</link></item>"
        for index, name in enumerate(names)
    )
    text = f"<rss version='2.0'><channel><title>F</title>{bodies}</channel></rss>"
    client = ReplayClient({URL: Page(URL, text.encode())})
    return FeedProvider().episodes(SeriesReference(URL, title), client).episodes


def test_releases_of_one_episode_are_its_variants():
    first, second = listed(
        "[A] Hoshi - 01 [1080p]", "[B] Hoshi - 01v2 [720p]", "[A] Hoshi - 02 [1080p]"
    )
    assert [variant.group for variant in first.variants] == ["A", "B"]
    assert [(each.resolution, each.version) for each in first.variants] == [(1080, 1), (720, 2)]
    assert second.number == Decimal(2)


def test_batches_specials_and_openings_are_no_episodes_of_the_series():
    found = listed(
        "[A] Hoshi (01-12) [1080p]", "[A] Hoshi NCOP [1080p]", "[A] Hoshi - 12.5 [1080p]",
        "[A] Hoshi - 00 [1080p]", "[A] Hoshi OVA 1 [1080p]",
    )  # fmt: skip
    assert [each.key for each in found] == [
        "-:1-12:regular", "-:12.5:regular", "-:0:regular", "-:1:special",
    ]  # fmt: skip
    assert [each.is_batch for each in found] == [True, False, False, False]


def test_only_the_wanted_title_counts_in_a_feed_of_many():
    found = listed("[A] Hoshi - 01", "[A] 星 / Hoshi - 02", "[A] Hoshizora - 03", title="hoshi")
    assert [each.number for each in found] == [1, 2]


def test_resolving_gives_the_address_and_refuses_pages():
    (episode,) = listed("[A] Hoshi - 01")
    provider = FeedProvider()
    download = provider.resolve(episode.variants[0], ReplayClient({}))
    assert (download.uris, download.kind) == (("https://x.example/0.torrent",), VariantKind.TORRENT)
    (item,) = items("<title>[A] Hoshi - 01</title><link>https://x.example/about</link>")
    assert item.kind is VariantKind.PAGE
    (page_only,) = FeedProvider().episodes(
        SeriesReference(URL),
        ReplayClient({URL: Page(URL, b"<rss version='2.0'><channel><item><title>H 1</title><link>https://x.example/a</link></item></channel></rss>")}),
    ).episodes  # fmt: skip
    with pytest.raises(NotResolvableError):
        provider.resolve(page_only.variants[0], ReplayClient({}))


@pytest.mark.parametrize(
    ("text", "size"),
    [("1.5 GiB", 1610612736), ("500 MB", 500000000), ("123", 123), ("0", None), ("-5", None),
     ("many", None), (None, None), ("9" * 30, None)],
)  # fmt: skip
def test_sizes(text, size):
    assert size_of(text) == size


def test_infohashes():
    assert infohash_of_magnet(f"magnet:?dn=x&xt=urn:btih:{HASH.upper()}") == HASH
    assert infohash_of("x" * 40) is None
    assert infohash_of_magnet("magnet:?xt=urn:sha1:abc") is None
