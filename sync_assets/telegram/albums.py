"""Which files go together in one message: albums as Telegram takes them.

2 to 10 items; photos and videos together, documents by themselves, animations never.
https://core.telegram.org/bots/api#sendmediagroup
"""

import math
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeVar

from sync_assets.telegram.models import MediaKind

Item = TypeVar("Item")

ALBUM_ITEMS = 10
_CLASSES = {
    MediaKind.PHOTO: "visual",
    MediaKind.VIDEO: "visual",
    MediaKind.DOCUMENT: "document",
}


def albums(
    items: Sequence[Item],
    kind_of: Callable[[Item], MediaKind | None],
    size_of: Callable[[Item], int],
    *,
    maximum_bytes: int,
) -> list[list[Item]]:
    """Split items, in their order, into messages of equal length.

    Eleven become six and five, so that no album is left with one item.

    Args:
        items: What is to be sent.
        kind_of: How an item is sent; None for one that must be alone.
        size_of: How many bytes of it have to be uploaded.
        maximum_bytes: The most bytes of one request.

    Returns:
        Groups of 1 to 10 items.
    """
    numbered = list(enumerate(items))
    groups: list[list[Item]] = []
    # Items without a class differ from each other, so that each is alone.
    for _, same in groupby(numbered, lambda pair: _class(kind_of(pair[1])) or pair[0]):
        members = [item for _, item in same]
        for part in even_parts(members):
            groups += _within(part, size_of, maximum_bytes)
    return groups


def even_parts(items: Sequence[Item]) -> list[list[Item]]:
    """Split items into parts of at most ten that differ by one at most."""
    count = math.ceil(len(items) / ALBUM_ITEMS)
    return [
        list(items[len(items) * number // count : len(items) * (number + 1) // count])
        for number in range(count)
    ]


def _class(kind: MediaKind | None) -> str | None:
    return None if kind is None else _CLASSES.get(kind)


def _within(
    items: Sequence[Item], size_of: Callable[[Item], int], maximum_bytes: int
) -> list[list[Item]]:
    groups: list[list[Item]] = []
    size = 0
    for item in items:
        if not groups or size + size_of(item) > maximum_bytes:
            groups.append([])
            size = 0
        groups[-1].append(item)
        size += size_of(item)
    return groups
