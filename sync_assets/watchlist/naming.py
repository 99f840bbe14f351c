"""What the files of episodes are called, and in which folders they go: by template, and safe.

Whatever a title holds, a name is one segment of a path that every disk takes, at most 200 bytes
long, and never leads out of the library.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.titles import EpisodeKind

_MAXIMUM_BYTES = 200
_MAXIMUM_SUFFIX_BYTES = 20
_FORBIDDEN = frozenset('<>:"/\\|?*')
_EMPTY_BRACKETS = re.compile(r"\(\s*\)|\[\s*\]")
_LOOSE_SEPARATOR = re.compile(r"(?:\s+-)+(?=\s+-\s|\s*$)|^\s*-\s+")
_UNNAMED = "unnamed"
_LEAST_TITLE_BYTES = 8
# Windows', and so OneDrive's.
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))]
)


@dataclass(frozen=True, slots=True)
class EpisodeFile:
    """What a name can tell.

    Attributes:
        title: The item's title.
        episode: Which episode.
        episode_title: Its own title.
        version: Of the release.
        resolution: Of the release, in lines.
        group: The release's group.
        language: What it can be watched in.
    """

    title: str
    episode: EpisodeNumber
    episode_title: str = ""
    version: int = 1
    resolution: int | None = None
    group: str | None = None
    language: str | None = None


def folder_of(template: str, file: EpisodeFile) -> PurePosixPath:
    """Return the folder of an episode, relative to the library.

    Args:
        template: A valid template of folders, separated by `/`.
        file: The episode.
    """
    segments = (_rendered(part, file, room=_MAXIMUM_BYTES) for part in template.split("/") if part)
    return PurePosixPath(*segments)


def name_of(template: str, file: EpisodeFile, suffix: str) -> str:
    """Return the name of an episode's file.

    Args:
        template: A valid template of a name.
        file: The episode. A film without a number is called by its title alone.
        suffix: The extension with its dot, as the downloaded file has it.
    """
    suffix = _safe(suffix) if len(suffix.encode()) <= _MAXIMUM_SUFFIX_BYTES else ""
    if file.episode.number is None:
        template = "{title} {version}"
    return _rendered(template, file, room=_MAXIMUM_BYTES - len(suffix.encode())) + suffix


def _rendered(template: str, file: EpisodeFile, *, room: int) -> str:
    """Fill a segment in; a title that is too long is cut, the numbers behind it are not."""
    fields = _fields(file)
    text = _tidied(template.format_map(fields))
    excess = len(text.encode()) - room
    if excess > 0:
        title = fields["title"].encode()
        kept = max(len(title) - excess, _LEAST_TITLE_BYTES)
        cut = title[:kept].decode(errors="ignore").rstrip(" .")
        text = _tidied(template.format_map({**fields, "title": cut}))
    return _fitted(text, room)


def _fields(file: EpisodeFile) -> Mapping[str, str]:
    is_special = file.episode.kind is not EpisodeKind.REGULAR
    season = 0 if is_special else file.episode.season or 1
    return {
        "title": _safe(file.title),
        "season": f"{season:02}",
        "episode": _padded(file.episode),
        "kind": file.episode.kind.value,
        "episode_title": _safe(file.episode_title),
        "version": f"v{file.version}" if file.version > 1 else "",
        "resolution": f"{file.resolution}p" if file.resolution else "",
        "group": _safe(file.group or ""),
        "language": _safe(file.language or ""),
    }


def _padded(episode: EpisodeNumber) -> str:
    if episode.number is None:
        return ""
    whole, point, fraction = f"{episode.number.normalize():f}".partition(".")
    return f"{whole.zfill(2)}{point}{fraction}"


def _safe(text: str) -> str:
    """Return a text without what disks refuse or what cannot be seen."""
    normal = unicodedata.normalize("NFC", " ".join(text.split()))
    kept = "".join("_" if each in _FORBIDDEN else each for each in normal if each.isprintable())
    return kept.encode("utf-8", "ignore").decode()


def _tidied(text: str) -> str:
    """Take away what empty fields leave behind: brackets, dashes, spaces."""
    text = _EMPTY_BRACKETS.sub("", text)
    text = _LOOSE_SEPARATOR.sub("", text)
    text = _safe(text).strip(" .") or _UNNAMED
    return f"_{text}" if text.partition(".")[0].lower() in _RESERVED else text


def _fitted(text: str, room: int) -> str:
    """Cut a name; what is left ends in a digest of the whole, so that two long ones stay apart."""
    encoded = text.encode()
    if len(encoded) <= room:
        return text
    ending = f"~{hashlib.sha256(encoded).hexdigest()[:8]}"
    return encoded[: room - len(ending)].decode(errors="ignore").rstrip(" .") + ending
