"""Parse RSS, Atom and Torznab feeds into items: one form, whatever the site makes of the format.

Measured on recorded feeds: Mikan's guid is the title, and its times are China's without saying so;
Nyaa and SubsPlease give the torrent as the link; dmhy and Anime Garden give a magnet link as the
enclosure; feedparser keeps only the last `torznab:attr` of an item.
"""

import calendar
import html
import io
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import feedparser

from sync_assets.watchlist.providers.models import VariantKind
from sync_assets.watchlist.providers.pages import Page, absolute_url
from sync_assets.watchlist.providers.torrents import infohash_of, infohash_of_magnet, size_of

_CHINA = timezone(timedelta(hours=8))
_DECLARATION = re.compile(r"^<\?xml[^>]*\?>")
_ITEM_EDGE = re.compile(r"<(/?)(?:item|entry)\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"<(?:\w+:)?attr\s+name\s*=\s*[\"']([^\"']+)[\"']\s+value\s*=\s*[\"']([^\"']*)[\"']",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"<(?:[\w.-]+:)?(infoHash|info_hash|size|contentLength|magnetURI)\b[^<>]*>"
    r"\s*(?:<!\[CDATA\[)?\s*([^<\]]*)",
    re.IGNORECASE,
)
_LOCAL_TIME = re.compile(
    r"<torrent\b[^<>]*mikan[^<>]*>.{0,2000}?<pubDate>\s*(\d{4}-\d\d-\d\dT[\d:.]+)\s*</pubDate>",
    re.DOTALL,
)
_ENTITY_DECLARATION = re.compile(r"<!ENTITY", re.IGNORECASE)
_FEED = re.compile(r"<(?:rss|feed|rdf:RDF|channel)\b", re.IGNORECASE)
_TORRENT_TYPES = ("application/x-bittorrent", "application/x-torrent")
_TORRENT_PATH = re.compile(r"\.torrent$|/torrent$|/download/\d+|download\.php", re.IGNORECASE)
_HASH_IN_PATH = re.compile(r"/([0-9a-fA-F]{40})\.torrent$")
_UNUSABLE_TYPES = ("application/x-nzb", "image/")


class NotAFeedError(ValueError):
    """A page is no feed."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """An item of a feed.

    Attributes:
        title: The release name.
        uri: What to download.
        kind: What is there.
        key: What it is known by.
        infohash: Of a torrent.
        size_bytes: The size.
        published_at: When it appeared.
    """

    title: str
    uri: str
    kind: VariantKind
    key: str
    infohash: str | None = None
    size_bytes: int | None = None
    published_at: datetime | None = None


def parse_feed(page: Page) -> tuple[str | None, tuple[FeedItem, ...]]:
    """Parse a feed.

    Args:
        page: The fetched feed.

    Returns:
        The feed's title, and its items without those that lead nowhere, each once.

    Raises:
        NotAFeedError: It is none, or one that declares entities, which no feed needs.
    """
    if not _FEED.search(page.text) or _ENTITY_DECLARATION.search(page.text):
        raise NotAFeedError
    # What the server and the feed say of the encoding is judged in one place, `Page.text`.
    text = _DECLARATION.sub("", page.text.lstrip("\ufeff \n\r\t"), count=1)
    parsed = feedparser.parse(
        io.BytesIO(text.encode("utf-8", "replace")),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not parsed.get("version") and not parsed.entries:
        raise NotAFeedError
    blocks = _blocks(page.text)
    if len(blocks) != len(parsed.entries):
        # A feed that breaks off: what stands beside the entries cannot be told apart.
        blocks = [""] * len(parsed.entries)
    items = [
        item
        for entry, block in zip(parsed.entries, blocks, strict=True)
        if (item := _item(entry, block, page.url)) is not None
    ]
    title = parsed.feed.get("title")
    return title or None, tuple({item.key: item for item in reversed(items)}.values())[::-1]


def _blocks(text: str) -> list[str]:
    """Cut out what stands between the tags of each item."""
    blocks = []
    begun: int | None = None
    for edge in _ITEM_EDGE.finditer(text):
        if not edge[1]:
            begun = edge.start()
        elif begun is not None:
            blocks.append(text[begun : edge.start()])
            begun = None
    return blocks


def _item(entry: Mapping[str, Any], block: str, base: str) -> FeedItem | None:
    title = html.unescape(str(entry.get("title") or "")).strip()
    fields = _fields(block)
    uri, kind = _target(entry, fields, base)
    if not title or uri is None:
        return None
    infohash = _infohash(entry, fields, uri)
    link = _absolute(base, entry.get("link"))
    guid = str(entry.get("id") or "")
    key = f"btih:{infohash}" if infohash else uri or link or f"{guid}|{title}"
    return FeedItem(
        title, uri, kind, key, infohash, _size(entry, fields), _published_at(entry, block)
    )


def _fields(block: str) -> Mapping[str, str]:
    """Read what feedparser drops: Torznab's attributes, and the elements of single sites."""
    fields: dict[str, str] = {}
    for name, value in (*_FIELD.findall(block), *_ATTRIBUTE.findall(block)):
        fields.setdefault(name.lower().replace("_", ""), html.unescape(value.strip()))
    return fields


def _target(
    entry: Mapping[str, Any], fields: Mapping[str, str], base: str
) -> tuple[str | None, VariantKind]:
    candidates: dict[VariantKind, list[str]] = defaultdict(list)
    for enclosure in entry.get("enclosures", []):
        kind = str(enclosure.get("type") or "")
        address = _absolute(base, enclosure.get("href"))
        if address and not kind.startswith(_UNUSABLE_TYPES):
            candidates[_kind_of(address, kind)].append(address)
    link = _absolute(base, entry.get("link"))
    if link and not (candidates or entry.get("enclosures")):
        kind = _kind_of(link)
        candidates[VariantKind.PAGE if kind is VariantKind.HTTP else kind].append(link)
    for name in ("magneturl", "magneturi"):
        if fields.get(name, "").startswith("magnet:"):
            candidates[VariantKind.MAGNET].append(fields[name])
    for kind in (VariantKind.TORRENT, VariantKind.MAGNET, VariantKind.HTTP, VariantKind.PAGE):
        if candidates[kind]:
            return candidates[kind][0], kind
    return None, VariantKind.HTTP


def _kind_of(address: str, media_type: str = "") -> VariantKind:
    if address.startswith("magnet:"):
        return VariantKind.MAGNET
    if media_type.startswith(_TORRENT_TYPES) or _TORRENT_PATH.search(urlsplit(address).path):
        return VariantKind.TORRENT
    return VariantKind.HTTP


def _infohash(entry: Mapping[str, Any], fields: Mapping[str, str], uri: str) -> str | None:
    of_magnet = infohash_of_magnet(uri) if uri.startswith("magnet:") else None
    guid = str(entry.get("id") or "")
    in_path = _HASH_IN_PATH.search(urlsplit(uri).path)
    # SubsPlease's guid is the infohash in base32; Mikan names its torrents after theirs.
    texts = (fields.get("infohash"), guid if guid.isupper() else None, in_path and in_path[1])
    return of_magnet or next((found for text in texts if (found := infohash_of(text))), None)


def _size(entry: Mapping[str, Any], fields: Mapping[str, str]) -> int | None:
    lengths = [enclosure.get("length") for enclosure in entry.get("enclosures", [])]
    texts: Sequence[object] = (fields.get("size"), fields.get("contentlength"), *lengths)
    return next((size for text in texts if (size := size_of(text))), None)


def _published_at(entry: Mapping[str, Any], block: str) -> datetime | None:
    if local := _LOCAL_TIME.search(block):
        try:
            return datetime.fromisoformat(local[1]).replace(tzinfo=_CHINA).astimezone(UTC)
        except ValueError:
            return None
    parsed = entry.get("published_parsed") or entry.get("updated_parsed")
    if parsed is None:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _absolute(base: str, address: object) -> str | None:
    text = str(address or "").strip()
    return text if text.startswith("magnet:") else absolute_url(base, text)
