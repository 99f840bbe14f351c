"""Fetch pages: politely, within limits, where the guard lets it, and never around a barrier."""

import re
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import NoReturn, Self
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from sync_assets import __version__
from sync_assets.settings.watchlist import WatchlistFetchingSettings
from sync_assets.watchlist.providers.addresses import AddressGuard, GuardedBackend, shown_url
from sync_assets.watchlist.providers.models import PageState
from sync_assets.watchlist.providers.pacing import HostPace
from sync_assets.watchlist.providers.pages import Page
from sync_assets.watchlist.providers.protocol import (
    PageBlockedError,
    PageUnavailableError,
)

USER_AGENT = f"sync-assets/{__version__} (personal media library)"
MAXIMUM_REDIRECTIONS = 5
LONGEST_BLOCK_SECONDS = 24 * 3600.0

_BLOCKED_REMEDY = (
    "Open the page in a browser to see what the site wants. This program passes no challenges; "
    "choose another provider, or give the feed of one."
)
_BROKEN_REMEDY = "Open the address in a browser; correct it, or wait until the site answers again."
_LATER_REMEDY = "Nothing to do: it is asked again later."
_DEFAULT_BLOCK_SECONDS = 60.0
_CHALLENGE_HEAD_BYTES = 65_536
_SMALL_PAGE_BYTES = 8_192
_CHALLENGE = re.compile(
    rb"cf-chl-|_cf_chl_opt|<title>\s*(?:Just a moment|Attention Required|DDoS-Guard|Un instant)",
    re.IGNORECASE,
)
_CAPTCHA = re.compile(rb"captcha|challenges\.cloudflare\.com", re.IGNORECASE)
"""Also part of whole pages, in their forms to log in; so it counts where there is little else."""
_REDIRECTIONS = frozenset({301, 302, 303, 307, 308})
_REFUSALS = frozenset({401, 403, 407, 451})


@cache
def _tls() -> ssl.SSLContext:
    """Return how TLS is verified: reading the system's certificates takes a tenth of a second."""
    return ssl.create_default_context()


class _GuardedTransport(httpx.HTTPTransport):
    """httpx's own transport, with connections that the guard opens."""

    def __init__(self, guard: AddressGuard) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(),
            max_connections=16,
            max_keepalive_connections=8,
            keepalive_expiry=15,
            network_backend=GuardedBackend(guard),
        )


class PageClient:
    """Fetches pages for providers; used as a context manager.

    Args:
        settings: Limits.
        guard: Which addresses may be asked.
        pace: How often a host may be asked.
        sleep: Waits for seconds.
    """

    def __init__(
        self,
        settings: WatchlistFetchingSettings,
        guard: AddressGuard,
        pace: HostPace,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._pace = pace
        self._sleep = sleep
        self._client = httpx.Client(
            transport=_GuardedTransport(guard),
            timeout=settings.timeout_seconds,
            follow_redirects=False,
            trust_env=False,
        )
        self.requests = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, url: str, *, state: PageState | None = None, referer: str | None = None) -> Page:
        """Fetch a page, only if it changed where a state is given."""
        headers = {"Accept-Encoding": "gzip, deflate"}
        if state and state.etag:
            headers["If-None-Match"] = state.etag
        if state and state.last_modified:
            headers["If-Modified-Since"] = state.last_modified
        return self._fetch("GET", url, headers, None, referer)

    def check(self, url: str) -> None:
        """Make sure that an address may be asked."""
        self._guard.check_url(url)
        parts = urlsplit(url)
        self._guard.addresses(parts.hostname or "", parts.port or 80)

    def post(self, url: str, fields: Mapping[str, str], *, referer: str | None = None) -> Page:
        """Send a form and return the answer."""
        return self._fetch("POST", url, {"Accept-Encoding": "gzip, deflate"}, fields, referer)

    def _fetch(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        fields: Mapping[str, str] | None,
        referer: str | None,
    ) -> Page:
        sent = {"User-Agent": USER_AGENT, **headers, **({"Referer": referer} if referer else {})}
        for _ in range(MAXIMUM_REDIRECTIONS + 1):
            answer = self._exchange(method, url, sent, fields)
            if isinstance(answer, Page):
                return answer
            url, method, fields = answer, "GET", None
        message = f"{shown_url(url)} leads from one address to the next without an end."
        raise PageUnavailableError(message, remedy=_BROKEN_REMEDY)

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], fields: Mapping[str, str] | None
    ) -> Page | str:
        """Send one request; return the page, or the address that it leads to."""
        self._guard.check_url(url)
        self._take_turn(url)
        self.requests += 1
        try:
            with self._client.stream(method, url, headers=headers, data=fields) as response:
                location = response.headers.get("Location")
                if response.status_code in _REDIRECTIONS and location:
                    return urljoin(url, location)
                return self._read(url, response)
        except (httpx.InvalidURL, ValueError) as error:
            message = f"{shown_url(url)} is no address, or leads to none."
            raise PageUnavailableError(message, remedy="Correct the address.") from error
        except httpx.HTTPError as error:
            message = f"{shown_url(url)} cannot be fetched: {_reason(error)}."
            raise PageUnavailableError(message, remedy=_BROKEN_REMEDY) from error
        finally:
            # Every request stands for itself: nothing that a site remembers by is sent back.
            self._client.cookies.clear()

    def _take_turn(self, url: str) -> None:
        wait = self._pace.delay(_host(url))
        if wait is None:
            message = f"{_host(url)} wants to be left alone for now."
            raise PageUnavailableError(message, remedy=_LATER_REMEDY)
        if wait > 0:
            self._sleep(wait)

    def _read(self, url: str, response: httpx.Response) -> Page:
        headers = response.headers
        state = PageState(headers.get("ETag"), headers.get("Last-Modified"))
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return Page(url, state=state, is_unchanged=True)
        content = self._content(url, response)
        _refuse_challenge(url, response, content)
        if response.status_code in (429, 503):
            self._refused(url, response)
        if not response.is_success:
            message = f"{shown_url(url)} answers with HTTP {response.status_code}."
            raise PageUnavailableError(message, remedy=_BROKEN_REMEDY)
        return Page(url, content, headers.get("Content-Type", ""), state)

    def _content(self, url: str, response: httpx.Response) -> bytes:
        deadline = time.monotonic() + self._settings.maximum_seconds
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > self._settings.maximum_bytes:
                limit = f"{self._settings.maximum_bytes:,} bytes (watchlist.fetching.maximum_bytes)"
                message = f"{shown_url(url)} is larger than {limit}."
                raise PageUnavailableError(message, remedy="Give a smaller feed or page.")
            if time.monotonic() > deadline:
                message = f"{shown_url(url)} is not here after {self._settings.maximum_seconds} s."
                raise PageUnavailableError(message, remedy=_BROKEN_REMEDY)
        return bytes(content)

    def _refused(self, url: str, response: httpx.Response) -> NoReturn:
        seconds = _retry_after(response.headers.get("Retry-After"))
        wait = min(seconds or _DEFAULT_BLOCK_SECONDS, LONGEST_BLOCK_SECONDS)
        self._pace.block(_host(url), wait)
        message = f"{shown_url(url)} takes no requests now (HTTP {response.status_code})."
        raise PageUnavailableError(message, remedy=_LATER_REMEDY, retry_after_seconds=wait)


def _refuse_challenge(url: str, response: httpx.Response, content: bytes) -> None:
    is_page = "html" in response.headers.get("Content-Type", "").lower()
    is_challenge = response.headers.get("cf-mitigated") == "challenge" or (
        is_page and _is_challenge(content)
    )
    if is_challenge or response.status_code in _REFUSALS:
        what = "shows a challenge" if is_challenge else f"refuses (HTTP {response.status_code})"
        message = f"{shown_url(url)} {what}: it does not want programs."
        raise PageBlockedError(message, remedy=_BLOCKED_REMEDY)


def _is_challenge(content: bytes) -> bool:
    if _CHALLENGE.search(content[:_CHALLENGE_HEAD_BYTES]):
        return True
    return len(content) <= _SMALL_PAGE_BYTES and _CAPTCHA.search(content) is not None


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _reason(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx.RemoteProtocolError):
        return "the answer broke off"
    return type(error).__name__


def _retry_after(text: str | None) -> float | None:
    """Read the header Retry-After: seconds, or a date."""
    if text is None:
        return None
    with suppress(ValueError):
        seconds = float(text)
        return max(0.0, seconds) if seconds < LONGEST_BLOCK_SECONDS else LONGEST_BLOCK_SECONDS
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return None
