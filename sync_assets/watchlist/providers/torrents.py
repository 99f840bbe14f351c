"""Infohashes and sizes, in the forms that feeds write them in."""

import base64
import binascii
import re
from urllib.parse import parse_qs, urlsplit

_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{40}")
_BASE32 = re.compile(r"[A-Za-z2-7]{32}")
_SIZE = re.compile(r"^\s*(\d+(?:[.,]\d+)?)\s*([KMGT]?)(i?)(B?)\s*$", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
LARGEST_SIZE = 2**63 - 1


def infohash_of(text: str | None) -> str | None:
    """Return an infohash as 40 hexadecimal digits in lower case; None where it is none.

    Args:
        text: Hexadecimal digits, or base32 as in older magnet links.
    """
    text = (text or "").strip()
    if _HEXADECIMAL.fullmatch(text):
        return text.lower()
    if _BASE32.fullmatch(text):
        try:
            return base64.b32decode(text.upper()).hex()
        except binascii.Error:
            return None
    return None


def infohash_of_magnet(uri: str) -> str | None:
    """Return the infohash that a magnet link names."""
    for topic in parse_qs(urlsplit(uri).query).get("xt", []):
        if topic.lower().startswith("urn:btih:"):
            return infohash_of(topic[9:])
    return None


def size_of(text: object) -> int | None:
    """Return a size in bytes; None where it is none, or not positive.

    Args:
        text: A number of bytes, or one with a unit, such as "609.6 MiB".
    """
    found = _SIZE.match(str(text or ""))
    if found is None:
        return None
    # "2.5M", as Apache writes, counts by 1,024; "2.5 MB" does not.
    base = 1_000 if found[4] and not found[3] else 1_024
    size = int(float(found[1].replace(",", ".")) * base ** _POWERS[found[2].upper()])
    return size if 0 < size <= LARGEST_SIZE else None
