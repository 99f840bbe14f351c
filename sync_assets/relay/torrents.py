"""Torrents: the one number that identifies them, read from their file.

The format: https://www.bittorrent.org/beps/bep_0003.html
"""

import hashlib
from typing import Any

from sync_assets.errors import SyncError

MAXIMUM_TORRENT_BYTES = 10 * 1024 * 1024
_MAXIMUM_DEPTH = 50


class TorrentError(SyncError):
    """It is no torrent that can be downloaded."""


def infohash(content: bytes) -> str:
    """Return a torrent's infohash, in lower-case hexadecimal.

    Args:
        content: Its `.torrent` file.

    Raises:
        TorrentError: It is none.
    """
    try:
        value, end, span = _decode(content, 0, 0)
    except (ValueError, IndexError):
        value, end, span = None, -1, None
    if not isinstance(value, dict) or end != len(content.rstrip()) or span is None:
        raise TorrentError(
            "The content is no torrent file.", remedy="Check the link: it may be a login page."
        )
    if b"pieces" not in value[b"info"]:
        raise TorrentError(
            "The torrent is of version 2 only, which aria2 cannot download.",
            remedy="Find a torrent of version 1, or a hybrid one.",
        )
    return hashlib.sha1(content[slice(*span)], usedforsecurity=False).hexdigest()


def _decode(data: bytes, at: int, depth: int) -> tuple[Any, int, tuple[int, int] | None]:
    """Decode the value at a position: it, its end, and where the outermost `info` lies."""
    if depth > _MAXIMUM_DEPTH:
        raise ValueError
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1, None
    if kind in (b"l", b"d"):
        return _decode_container(data, at, depth)
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    if end > len(data) or data[at : at + 1] == b"-":
        raise ValueError
    return data[colon + 1 : end], end, None


def _decode_container(data: bytes, at: int, depth: int) -> tuple[Any, int, tuple[int, int] | None]:
    items: list[Any] = []
    starts: list[int] = []
    position = at + 1
    while data[position : position + 1] != b"e":
        starts.append(position)
        value, position, _ = _decode(data, position, depth + 1)
        items.append(value)
    if data[at : at + 1] == b"l":
        return items, position + 1, None
    pairs = dict(zip(items[::2], items[1::2], strict=True))
    span = None
    if depth == 0 and isinstance(pairs.get(b"info"), dict):
        number = items[::2].index(b"info") * 2 + 1
        following = starts[number + 1] if number + 1 < len(starts) else position
        span = (starts[number], following)
    return pairs, position + 1, span
