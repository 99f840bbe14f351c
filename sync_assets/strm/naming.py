"""What the `.strm` file of a media file is called.

Pure functions of the names in one directory: the same names give the same answer, in any order.
"""

import hashlib
import unicodedata
from collections.abc import Iterable

SUFFIX = ".strm"
DISC_IMAGE = ".iso"
"""Players need to see that a link leads to the image of a disc: `Film.iso.strm`."""
MAXIMUM_NAME_BYTES = 255
_SURELY_FITTING_CHARACTERS = (MAXIMUM_NAME_BYTES - len(SUFFIX)) // 4


def strm_names(media_names: Iterable[str], reserved: Iterable[str] = ()) -> dict[str, str]:
    """Name the `.strm` files of one directory.

    `Film.mkv` becomes `Film.strm`. Where several media would get one name, also on a file
    system that ignores case or folds Unicode, the first in order keeps it and the others keep
    their extension: `Film.mp4.strm`. The image of a disc always keeps it.

    Args:
        media_names: The names of the media files of one directory.
        reserved: Names of `.strm` files that none of them may get.

    Returns:
        The name of the media file by the name of its `.strm` file.
    """
    ordered = sorted(media_names)
    names = [fitted(_stem(media_name)) for media_name in ordered]
    taken = {_folded(name) for name in reserved}
    if len(taken.union(map(_folded, names))) == len(taken) + len(names):
        return dict(zip(names, ordered, strict=True))
    return _without_collisions(ordered, taken)


def fitted(stem: str) -> str:
    """Append the suffix; shorten the stem where the name would be too long for a file system.

    Args:
        stem: The name without `.strm`.

    Returns:
        A name of at most 255 bytes. A shortened one ends in a digest of the whole, so that two
        long names stay apart.
    """
    name = stem + SUFFIX
    if len(stem) <= _SURELY_FITTING_CHARACTERS:
        return name
    encoded = stem.encode()
    if len(encoded) + len(SUFFIX) <= MAXIMUM_NAME_BYTES:
        return name
    ending = f"~{hashlib.sha256(encoded).hexdigest()[:8]}{SUFFIX}"
    kept = encoded[: MAXIMUM_NAME_BYTES - len(ending)].decode(errors="ignore")
    return kept + ending


def _without_collisions(ordered: Iterable[str], taken: set[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    later = []
    for media_name in ordered:
        name = fitted(_stem(media_name))
        if _folded(name) in taken:
            later.append(media_name)
            continue
        taken.add(_folded(name))
        names[name] = media_name
    for media_name in later:
        name = fitted(media_name)
        number = 2
        while _folded(name) in taken:
            name = fitted(f"{media_name} ({number})")
            number += 1
        taken.add(_folded(name))
        names[name] = media_name
    return names


def _stem(media_name: str) -> str:
    if media_name[-len(DISC_IMAGE) :].lower() == DISC_IMAGE:
        return media_name
    return media_name.rpartition(".")[0] or media_name


def _folded(name: str) -> str:
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()
