"""Copies of discs: folders in which a film is many files, `BDMV` and `VIDEO_TS`.

No line of text can express a disc with its menus, so that a Blu-ray becomes one `.strm` file of its
longest stream. It lies beside `BDMV`, not inside, because media servers take any folder with a
`BDMV` in it for a disc that they can read. Its name is always `NAME.bdmv.strm`, whatever else the
folder holds, so that each of the two folders can be looked at without the other. A DVD is in pieces
of a gigabyte, none of which is the film.
"""

import re
from collections.abc import Sequence

from sync_assets.strm.models import Entry, ListedDirectory, ListingStatus
from sync_assets.strm.naming import fitted

STREAMS = "BDMV/STREAM"
"""Where a Blu-ray has its streams, relative to its folder."""

_STREAMS = re.compile(rf"(?:(?P<disc>.*)/)?{STREAMS}", re.IGNORECASE | re.DOTALL)
_TOP = re.compile(r"(?:(?P<disc>.*)/)?BDMV", re.IGNORECASE | re.DOTALL)
_INSIDE = re.compile(r"(?:^|/)(?:BDMV|VIDEO_TS)(?:/|$)", re.IGNORECASE)
_NAMELESS = "disc"


def is_inside_disc(directory: str) -> bool:
    """Tell whether a directory is part of a disc's structure, and not a folder of films."""
    return _INSIDE.search(directory) is not None


def disc_of(directory: str) -> str | None:
    """Return the disc's folder, where a directory holds the streams of a Blu-ray.

    Args:
        directory: Relative to the source.

    Returns:
        The folder that holds `BDMV`, empty for the root; None for any other directory.
    """
    match = _STREAMS.fullmatch(directory)
    return None if match is None else match["disc"] or ""


def disc_strm_name(disc: str) -> str:
    """Return the name of a disc's `.strm` file, which lies in the disc's folder."""
    return fitted(f"{disc.rpartition('/')[2] or _NAMELESS}.bdmv")


def longest_stream(files: Sequence[Entry]) -> Entry | None:
    """Return the largest file; of two that are the same size, the first in order of name."""
    return min(files, key=lambda file: (-(file.size or 0), file.name), default=None)


class DiscWatch:
    """What a listing says of discs: whether the `.strm` file of one has still its streams."""

    def __init__(self) -> None:
        self._with_streams: set[str] = set()
        self._unproven: set[str] = set()
        self._seen: set[str] = set()

    def see(self, listed: ListedDirectory, *, has_media: bool) -> None:
        """Look at a directory of the listing.

        Args:
            listed: The directory.
            has_media: Whether it holds any media.
        """
        disc = disc_of(listed.path)
        if disc is not None:
            self._seen.add(disc)
            if has_media:
                self._with_streams.add(disc)
        elif (match := _TOP.fullmatch(listed.path)) is not None:
            disc = match["disc"] or ""
        if disc is not None and (listed.status is not ListingStatus.COMPLETE or listed.unreadable):
            self._unproven.add(disc)

    def has_streams(self, disc: str) -> bool:
        """Tell whether a disc has streams."""
        return disc in self._with_streams

    def is_unproven(self, disc: str) -> bool:
        """Tell whether a disc was not listed whole, so that it may have streams."""
        return disc in self._unproven

    def is_listed(self, disc: str) -> bool:
        """Tell whether the streams of a disc were listed."""
        return disc in self._seen
