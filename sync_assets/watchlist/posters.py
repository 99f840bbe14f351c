"""Posters: fetched once from where a page says they are, kept on disk, and checked to be pictures.

Pages of this server load nothing from elsewhere, so that nobody learns who looks at them; the
guard keeps addresses out of private networks, as everywhere. What is kept can be had again: all of
it may be deleted at any time.
"""

import hashlib
import logging
import tempfile
import threading
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from sync_assets.addresses import AddressError, AddressGuard, shown_url
from sync_assets.settings.watchlist import WatchlistFetchingSettings
from sync_assets.watchlist.providers import PageUnavailableError
from sync_assets.watchlist.providers.client import PageClient
from sync_assets.watchlist.providers.pacing import HostPace, ProcessPace

MAXIMUM_BYTES = 4 * 1024 * 1024
MOST_FILES = 2_000
_REQUESTS_PER_SECOND = 8.0
"""As a browser would ask that shows one page of items."""
_RETRY_SECONDS = 6 * 3600
_TIMEOUT_SECONDS = 10.0
_FETCHES = 4
_HUES = 360
_SIGNATURES: Sequence[tuple[int, bytes, str]] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypavif", "image/avif"),
)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Poster:
    """A picture.

    Attributes:
        content: Its bytes.
        media_type: What they are.
    """

    content: bytes
    media_type: str

    @property
    def etag(self) -> str:
        """What changes with the content, for conditional requests."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'


class PosterCache:
    """Keeps posters; safe to be used by several threads.

    Args:
        directory: Where they are kept.
        guard: Which addresses may be asked.
        pace: How often a host may be asked.
    """

    def __init__(self, directory: Path, guard: AddressGuard, pace: HostPace | None = None) -> None:
        self._directory = directory
        self._guard = guard
        self._pace = pace or ProcessPace(_REQUESTS_PER_SECOND)
        self._fetching = threading.BoundedSemaphore(_FETCHES)

    def get(self, url: str) -> Poster | None:
        """Return a poster, from the disk or else from its address.

        Args:
            url: Where it is.

        Returns:
            The poster; None where the address has no picture, or had none a few hours ago.
        """
        path = self._directory / hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
        with self._fetching:
            content = _kept(path)
            if content is None:
                content = self._fetch(url)
                self._keep(path, content)
        media_type = picture_type(content)
        return Poster(content, media_type) if media_type else None

    def _fetch(self, url: str) -> bytes:
        limits = WatchlistFetchingSettings(
            timeout_seconds=_TIMEOUT_SECONDS,
            maximum_seconds=_TIMEOUT_SECONDS,
            maximum_bytes=MAXIMUM_BYTES,
        )
        try:
            with PageClient(limits, self._guard, self._pace) as client:
                content = client.get(url).content
        except (AddressError, PageUnavailableError) as error:
            _logger.info("No poster from %s: %s", shown_url(url), error.message)
            return b""
        if picture_type(content) is None:
            _logger.info("No poster from %s: it is no picture.", shown_url(url))
            return b""
        return content

    def _keep(self, path: Path, content: bytes) -> None:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._directory, delete=False) as temporary:
                temporary.write(content)
            Path(temporary.name).replace(path)
            self._forget_oldest()
        except OSError as error:
            _logger.warning("A poster cannot be kept in %s: %s", self._directory, error)

    def _forget_oldest(self) -> None:
        files = sorted(self._directory.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in files[:-MOST_FILES]:
            path.unlink(missing_ok=True)


def picture_type(content: bytes) -> str | None:
    """Return the media type of a picture by its first bytes, whatever its server calls it.

    Args:
        content: The bytes.

    Returns:
        The type; None for what is none of the pictures that cannot hold programs.
    """
    for offset, signature, media_type in _SIGNATURES:
        if content.startswith(signature, offset):
            return media_type
    return None


def placeholder(title: str) -> Poster:
    """Draw what stands in for a poster: the title's initials on a colour of its own.

    Args:
        title: The item's title.
    """
    hue = int.from_bytes(hashlib.sha256(title.encode("utf-8", "replace")).digest()[:2]) % _HUES
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 300" width="200" height="300">'
        f'<defs><linearGradient id="g" x1="0" y1="0" x2="0.6" y2="1">'
        f'<stop offset="0" stop-color="hsl({hue} 38% 42%)"/>'
        f'<stop offset="1" stop-color="hsl({(hue + 40) % _HUES} 45% 24%)"/>'
        "</linearGradient></defs>"
        '<rect width="200" height="300" fill="url(#g)"/>'
        '<circle cx="165" cy="40" r="95" fill="#fff" fill-opacity="0.06"/>'
        '<circle cx="20" cy="285" r="80" fill="#fff" fill-opacity="0.05"/>'
        '<text x="100" y="150" fill="#fff" fill-opacity="0.92" font-family="system-ui, sans-serif"'
        ' font-size="72" font-weight="600" text-anchor="middle" dominant-baseline="central">'
        f"{escape(initials(title))}</text></svg>"
    )
    return Poster(picture.encode(), "image/svg+xml")


def initials(title: str) -> str:
    """Return the one or two letters that stand for a title.

    Args:
        title: In any script.
    """
    words = [
        letters
        for word in unicodedata.normalize("NFC", title).split()
        if (letters := "".join(each for each in word if each.isalnum()))
    ]
    return "".join(word[0] for word in words[:2]).upper() or "?"


def _kept(path: Path) -> bytes | None:
    """Read what is kept; None where nothing is, or nothing was there too long ago."""
    try:
        content = path.read_bytes()
        is_old = time.time() - path.stat().st_mtime > _RETRY_SECONDS
    except OSError:
        return None
    return None if not content and is_old else content
