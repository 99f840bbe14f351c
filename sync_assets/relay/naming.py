"""Names of files: whatever a sender called it becomes one that every disk and cloud takes."""

import unicodedata
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from sync_assets.relay.aria2.tasks import CONTROL_SUFFIX

_MAXIMUM_BYTES = 200
_MAXIMUM_SUFFIX_BYTES = 20
_FORBIDDEN = frozenset('<>:"/\\|?*')
_UNNAMED = "file"
_REMEMBERED_NAMES = 4_096
# Windows', and so OneDrive's.
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))]
)


@lru_cache(_REMEMBERED_NAMES)
def safe_name(name: str) -> str:
    """Return a name that means the same and can do no harm.

    Args:
        name: What a sender, an address or a header called the file.

    Returns:
        One path segment of at most 200 bytes; never hidden, reserved, or aria2's own.
    """
    text = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    kept = "".join("_" if each in _FORBIDDEN else each for each in text if each.isprintable())
    kept = kept.encode("utf-8", "ignore").decode().strip(" .") or _UNNAMED
    path = PurePosixPath(kept)
    if path.stem.partition(".")[0].lower() in _RESERVED or kept.lower().endswith(CONTROL_SUFFIX):
        kept = f"_{kept}_"
        path = PurePosixPath(kept)
    suffix = path.suffix if len(path.suffix.encode()) <= _MAXIMUM_SUFFIX_BYTES else ""
    stem = kept.removesuffix(suffix) if suffix else kept
    room = _MAXIMUM_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + suffix


def name_in_link(link: str) -> str:
    """Return what a link calls its file; empty where it calls it nothing.

    Args:
        link: An address.
    """
    return unquote(urlsplit(link).path.rpartition("/")[2])
