"""What a `.strm` file holds: one line, without a line feed at its end."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from sync_assets.errors import SyncError
from sync_assets.settings.strm import LinkMode, StrmJobSettings
from sync_assets.settings.strm_sources import (
    LocalSourceSettings,
    OpenListLink,
    OpenListSourceSettings,
)

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")
_QUOTED = [bytes([byte]) if byte in _UNRESERVED else b"%%%02X" % byte for byte in range(256)]
_SIGN = b"?sign="
_PLAIN_SIGN = re.compile(r"[A-Za-z0-9_=:-]+")
_OPENLIST_PREFIX = {OpenListLink.DIRECT: "/d", OpenListLink.PROXY: "/p"}


class UnlinkableNameError(SyncError):
    """No line of text can point at this file."""


class LinkBuilder:
    """Builds the links of one job.

    Args:
        job: The job's settings.
        link_root: The path of the source's root in links, where only its server knows it.

    Raises:
        SyncError: It is needed, but not known.
    """

    def __init__(self, job: StrmJobSettings, *, link_root: str | None = None) -> None:
        self._mode = job.mode
        self._source = job.source
        self._before, _, self._after = (job.url_template or "{path}").partition("{path}")
        self._is_signed = False
        self._resign_before = 0.0
        if isinstance(job.source, OpenListSourceSettings) and job.url_template is None:
            if link_root is None:
                raise SyncError(
                    "The last listing does not say where OpenList has the source.",
                    remedy="Run strm/listing first.",
                )
            self._before = _openlist_address(job.source, link_root)
            self._is_signed = True
            self._resign_before = job.source.resign_before_hours * 3600

    def for_directory(
        self, directory: str, signs: Mapping[str, str] | None = None
    ) -> Callable[[str], bytes]:
        """Return the function that links the files of one directory.

        Args:
            directory: Relative to the source; empty for the root.
            signs: The signatures of its files by their names; a file may have none.

        Returns:
            A function from a file's name to the content of its `.strm` file; it raises
            `UnlinkableNameError`.
        """
        if self._mode is LinkMode.PATH and isinstance(self._source, LocalSourceSettings):
            root = self._source.path
            return lambda name: self._path(root, directory, name)
        # Every reserved character is encoded, also those that a path may hold: `+` is read as
        # a space by some servers, `#` and `?` end the path, and Kodi reads ASCII safest.
        before = f"{self._before}{quote(directory)}{'/' if directory else ''}".encode()
        after = self._after.encode()
        if not (self._is_signed and signs):
            return lambda name: before + _quoted(name) + after
        return lambda name: before + _quoted(name) + _query(signs.get(name))

    def is_current(self, present: bytes, wanted: bytes, *, now: float) -> bool:
        """Tell whether a link that is there does what the wanted one would do.

        OpenList may sign a link anew in every listing. A file is not touched for that, because
        media servers probe each changed file again, until its own signature is about to end.

        Args:
            present: The link that is there.
            wanted: The link as it would be written.
            now: Seconds since the epoch.
        """
        if present == wanted:
            return True
        address, separator, present_sign = present.partition(_SIGN)
        wanted_address, _, wanted_sign = wanted.partition(_SIGN)
        if not (self._is_signed and separator and wanted_sign) or address != wanted_address:
            return False
        present_end, wanted_end = _end(present_sign), _end(wanted_sign)
        if present_end is None or present_end == wanted_end:
            # The same end and another signature: OpenList's key has changed.
            return False
        return present_end == 0 or present_end - now > self._resign_before

    @staticmethod
    def _path(root: Path, directory: str, name: str) -> bytes:
        path = str(root / directory / name)
        if not path.isprintable() and any(character in path for character in "\r\n"):
            raise UnlinkableNameError(
                "its path holds a line break, which would end the line in the .strm file",
                remedy="Rename it, or use mode 'url'.",
            )
        return path.encode()


def _openlist_address(source: OpenListSourceSettings, link_root: str) -> str:
    root = quote(link_root.rstrip("/"))
    return f"{source.public_url or source.base_url}{_OPENLIST_PREFIX[source.link]}{root}/"


def _query(sign: str | None) -> bytes:
    if sign is None:
        return b""
    text = sign if _PLAIN_SIGN.fullmatch(sign) else quote(sign, safe="")
    return _SIGN + text.encode()


def _end(sign: bytes) -> int | None:
    """Return when a signature ends, in seconds since the epoch; 0 for never, None if unreadable."""
    end = sign.rpartition(b":")[2]
    return int(end) if end.isdigit() and len(end) <= 15 else None


def _quoted(name: str) -> bytes:
    """Percent-encode a name as `urllib.parse.quote(name, safe="")` does, in a third of its time."""
    return b"".join([_QUOTED[byte] for byte in name.encode()])
