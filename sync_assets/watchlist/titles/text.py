"""Prepare a release name for reading: one form for each character, separators as spaces, masks.

Every step keeps the length, so that a place in the prepared text is the same place in the name.
"""

import re
from collections.abc import Iterable

from sync_assets.watchlist.titles.vocabulary import EXTENSIONS

LONGEST_NAME = 1_000
"""Of a longer name the rest is not read: no file system takes more than 255 bytes."""

MASK = "\x1f"
"""Stands where the description of the release was read: no number, and no title."""

PART_OF_TITLE = "\x1e"
"""Stands where no number of an episode is, although the title goes on, as in "Movie 2"."""

_BRACKETS = str.maketrans("【】「」『』（）［］｛｝〔〕《》", "[][][]()[]{}[][]")
_SIGNS = str.maketrans("～〜－–—‒−＿　＃／：＋．｜＆；★☆", "~~-----_ #/:+.|&;  ")
_WIDE = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF5B))}
)
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{2,7})\s*$")
_SPACED_EXTENSION = re.compile(r"\s(mkv|mp4|avi)\s*$")
_DOT = re.compile(r"(?<![0-9])\.|\.(?![0-9])")
_OUTSIDE_BRACKETS = re.compile(r"\[[^\]]*\]|\([^)]*\)|\{[^}]*\}")


def without_extension(name: str) -> tuple[str, str | None]:
    """Part a name from the file's extension.

    Returns:
        The name without it, and the extension in lower case without its dot.
    """
    found = _EXTENSION.search(name)
    if found and found[1].lower() in EXTENSIONS:
        return name[: found.start()], found[1].lower()
    if found := _SPACED_EXTENSION.search(name):
        return name[: found.start()], found[1].lower()
    return name, None


def plain(name: str) -> str:
    """Return a name of the same length with plain digits, brackets and signs."""
    return name.translate(_BRACKETS).translate(_SIGNS).translate(_WIDE).replace("_", " ")


def prepared(text: str) -> str:
    """Return a plain name of the same length with spaces for the other separators."""
    outside = _OUTSIDE_BRACKETS.sub("", text).strip()
    if " " not in outside:
        text = text.replace("+", " ")
    if " " not in outside or outside.count(".") > 2 * outside.count(" "):
        text = _DOT.sub(" ", text)
    return text


def masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text with masks in these spans."""
    for start, end in spans:
        text = f"{text[:start]}{MASK * (end - start)}{text[end:]}"
    return text


def mask_matches(text: str, *patterns: re.Pattern[str], mask: str = MASK) -> str:
    """Return the text with masks where these patterns match."""
    for pattern in patterns:
        text = pattern.sub(lambda found: mask * len(found[0]), text)
    return text
