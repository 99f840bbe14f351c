"""Links: what kind of download one is, and what makes two of them the same."""

import base64
import hashlib
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit, urlunsplit

from sync_assets.errors import SyncError
from sync_assets.relay.models import DownloadKind
from sync_assets.relay.naming import name_in_link

_MAXIMUM_LENGTH = 8_192
_BTIH = re.compile(r"urn:btih:([0-9a-fA-F]{40}|[A-Za-z2-7]{32})")


class LinkError(SyncError):
    """The link is of no kind that can be downloaded."""


@dataclass(frozen=True)
class Link:
    """A link that can be downloaded.

    Attributes:
        address: The link itself.
        kind: What it is to aria2.
        key: The same for all links to the same thing, as far as their text tells.
        name: What it calls its file; empty where it does not.
        infohash: A magnet's torrent.
    """

    address: str
    kind: DownloadKind
    key: str
    name: str
    infohash: str | None = None


def parse_link(text: str) -> Link:
    """Find out what a link is.

    Args:
        text: An http, https or magnet link.

    Raises:
        LinkError: It is something else.
    """
    address = text.strip()
    if len(address) > _MAXIMUM_LENGTH or re.search(r"[\s\x00-\x1f\x7f]", address):
        raise _refusal("it is too long, or has spaces or control characters")
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        raise _refusal("it is malformed") from None
    if parts.scheme.lower() == "magnet":
        return _magnet(address, parts.query)
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise _refusal("only http, https and magnet links can be downloaded")
    location = parts.netloc.rpartition("@")
    normal = urlunsplit(
        (
            parts.scheme.lower(),
            f"{location[0]}{location[1]}{location[2].lower()}",
            parts.path or "/",
            parts.query,
            "",
        )
    )
    is_torrent = parts.path.lower().endswith(".torrent")
    return Link(
        address=normal,
        kind=DownloadKind.TORRENT if is_torrent else DownloadKind.HTTP,
        key=f"link:{hashlib.sha256(normal.encode('utf-8', 'surrogatepass')).hexdigest()}",
        name="" if is_torrent else name_in_link(normal),
    )


def _magnet(address: str, query: str) -> Link:
    fields = parse_qs(query)
    match = next((found for each in fields.get("xt", []) if (found := _BTIH.fullmatch(each))), None)
    if match is None:
        raise _refusal("the magnet has no btih infohash; aria2 knows no other")
    digest = match[1]
    infohash = base64.b32decode(digest.upper()).hex() if len(digest) == 32 else digest.lower()
    name = fields.get("dn", [""])[0]
    return Link(address, DownloadKind.MAGNET, f"torrent:{infohash}", name, infohash)


def _refusal(reason: str) -> LinkError:
    return LinkError(
        f"The link cannot be downloaded: {reason}.",
        remedy="Send an http, https or magnet link, or a .torrent file's address.",
    )
