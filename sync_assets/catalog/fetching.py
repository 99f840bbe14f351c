"""Get one mapping source: from its address, only if it changed, or from a local file."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from sync_assets import __version__
from sync_assets.settings.catalog import CatalogSourceSettings

USER_AGENT = f"sync-assets/{__version__} (personal media library; weekly)"
RETRIES = 2
LONGEST_WAIT_SECONDS = 120.0

_BACKOFF_SECONDS = 5.0
_CHUNK_BYTES = 65_536


class SourceUnavailableError(Exception):
    """A source cannot be had, for the reason that the message gives."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A source's file.

    Attributes:
        content: The file; None where it is what it was.
        location: Where it comes from, for the record.
        etag: The server's mark of this version.
    """

    content: bytes | None
    location: str
    etag: str | None = None


class Fetcher(Protocol):
    """Gets the file of a source."""

    def __call__(
        self, settings: CatalogSourceSettings, default_url: str, etag: str | None
    ) -> Fetched:
        """Get it.

        Args:
            settings: Where it is, and how large it may be.
            default_url: Its usual address.
            etag: The mark of the version that is there already.

        Raises:
            SourceUnavailableError: It cannot be had.
        """
        ...


class SourceFetcher:
    """Fetches politely: says who it is, asks for changes only, waits when told to.

    Args:
        client: The HTTP client; its time-outs apply.
        sleep: Waits for seconds.
    """

    def __init__(self, client: httpx.Client, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def __call__(
        self, settings: CatalogSourceSettings, default_url: str, etag: str | None
    ) -> Fetched:
        """Get a source's file."""
        if settings.path is not None:
            return Fetched(_read_file(settings.path, settings.maximum_bytes), str(settings.path))
        url = settings.url or default_url
        for attempt in range(RETRIES + 1):
            try:
                return self._get(url, etag, settings.maximum_bytes)
            except _TryAgainError as error:
                wait = max(error.wait_seconds, _BACKOFF_SECONDS * 2**attempt)
                if attempt == RETRIES or wait > LONGEST_WAIT_SECONDS:
                    raise SourceUnavailableError(str(error)) from error
                self._sleep(wait)
        raise AssertionError

    def _get(self, url: str, etag: str | None, maximum_bytes: int) -> Fetched:
        headers = {"User-Agent": USER_AGENT, **({"If-None-Match": etag} if etag else {})}
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                if response.status_code == httpx.codes.NOT_MODIFIED and etag:
                    return Fetched(None, url, etag)
                _require_success(response)
                content = bytearray()
                for chunk in response.iter_bytes(_CHUNK_BYTES):
                    content += chunk
                    if len(content) > maximum_bytes:
                        message = f"is larger than {maximum_bytes:,} bytes (maximum_bytes)"
                        raise SourceUnavailableError(message)
                return Fetched(bytes(content), url, response.headers.get("ETag"))
        except httpx.HTTPError as error:
            message = f"cannot be fetched: {type(error).__name__}"
            raise _TryAgainError(message) from error


class _TryAgainError(Exception):
    """An answer that may be better next time."""

    def __init__(self, message: str, wait_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


def _require_success(response: httpx.Response) -> None:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        after = response.headers.get("Retry-After", "")
        message = f"is refused by the server (HTTP {status})"
        raise _TryAgainError(message, float(after) if after.isdecimal() else 0.0)
    if not response.is_success:
        message = f"is refused by the server (HTTP {status}); its address may have changed"
        raise SourceUnavailableError(message)
    if response.headers.get("Content-Type", "").partition(";")[0].strip() == "text/html":
        message = "is a web page, not a data file"
        raise SourceUnavailableError(message)


def _read_file(path: Path, maximum_bytes: int) -> bytes:
    try:
        if path.stat().st_size > maximum_bytes:
            message = f"{path} is larger than {maximum_bytes:,} bytes (maximum_bytes)"
            raise SourceUnavailableError(message)
        return path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise SourceUnavailableError(message) from error
