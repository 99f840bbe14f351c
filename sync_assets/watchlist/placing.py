"""Put the files of episodes into the library, beside the relay's own copy and at no cost of space.

A file is a hard link to the relay's where both are on one disk, otherwise a copy. It appears under
its name in one step, and what is there from somebody else is never replaced.
"""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from sync_assets.errors import SyncError
from sync_assets.watchlist.item_numbering import Numbering
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.titles import parse_release_name

# fmt: off
_VIDEOS = frozenset({
    ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogm", ".ogv",
    ".rmvb", ".ts", ".webm", ".wmv",
})
# fmt: on
_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


class PlacingError(SyncError):
    """A file cannot be put into the library."""


def find_file(
    path: Path, number: EpisodeNumber, numbering: Numbering, *, is_batch: bool
) -> Path | None:
    """Find the file of an episode in what was downloaded.

    Args:
        path: The file, or the folder of a torrent of several.
        number: Which episode.
        numbering: How the files are numbered.
        is_batch: Whether it holds several episodes; otherwise its largest video is the one.

    Returns:
        The file; None where it is not there.
    """
    if path.is_file():
        return path
    videos = [
        each
        for each in sorted(path.rglob("*"))
        if each.suffix.lower() in _VIDEOS and each.is_file() and not each.is_symlink()
    ]
    if is_batch:
        videos = [each for each in videos if number in _numbers(each.name, numbering)]
    return max(videos, key=lambda each: each.stat().st_size, default=None)


def place(source: Path, target: Path, *, own: Path | None = None) -> None:
    """Put a file into the library; doing it again changes nothing.

    Args:
        source: The relay's file.
        target: Where it goes.
        own: The file that the episode had so far, which goes when the new one is there.

    Raises:
        PlacingError: It cannot be put there, or something else is there.
    """
    try:
        if target.exists() and target != own:
            if target.samefile(source):
                return
            raise PlacingError(
                f"{target.name} is in its folder already, and is another file.",
                remedy="Move that file away, or give the item another folder; "
                "the new file stays where the relay keeps it.",
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(source, target)
        if own is not None and own != target:
            own.unlink(missing_ok=True)
    except OSError as error:
        raise PlacingError(
            f"{target.name} cannot be put into the library: {error.strerror}.",
            remedy="Free space on its disk, and make watchlist.library.directory writable; "
            "it is tried again.",
        ) from error


def _link(source: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as directory:
        new = Path(directory, "file")
        try:
            os.link(source, new)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            shutil.copyfile(source, new)
            with new.open("rb") as file:
                os.fsync(file.fileno())
        new.replace(target)


def _numbers(name: str, numbering: Numbering) -> tuple[EpisodeNumber, ...]:
    read = parse_release_name(name)
    if read.episodes is None:
        return ()
    return numbering.episodes(read.season, read.episodes.first, read.episodes.last, read.kind)
