"""The one place that talks to Trakt's API: limits, retries, expiry, and every status code.

Source: Trakt's API documentation of 2026-07-30 (headers, paging, status codes); pages hold at most
250 items since 2026-06-15, larger limits are cut without a word (trakt-api #924).
"""

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx

from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import RateLimit, block, reserve
from sync_assets.oauth.keeping import TokenKeeper
from sync_assets.progress import Progress
from sync_assets.settings.trakt import TraktSettings
from sync_assets.trakt.problems import (
    TraktRefusedError,
    TraktResponseError,
    TraktUnavailableError,
)
from sync_assets.trakt.user_agent import USER_AGENT

PAGE_SIZE = 250
PERMITS, PERIOD_SECONDS, BURST = 850, 300.0, 60
"""Trakt allows 1,000 GET in five minutes; in no five minutes do these come to more than 910."""

_LONGEST_PAUSE_SECONDS = 30.0
_TRANSIENT = frozenset({500, 502, 503, 504, 520, 521, 522, 523, 524})
_REFUSALS = {
    403: ("does not accept the app's key", "Check trakt.client_id."),
    404: ("does not know this address", "Update sync_assets, or check trakt.base_url."),
    420: ("says that the account has reached a limit", "Remove something there, or upgrade it."),
    423: ("has locked or deactivated the account", "Ask Trakt's support."),
    426: ("gives this to VIP accounts only", "Upgrade the account."),
}
_REFUSAL = ("refuses the request", "Update sync_assets; if that does not help, report it.")
_LATER = "Nothing to do: the next run goes on. https://status.trakt.tv tells more."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """One page of a list.

    Attributes:
        items: What it holds.
        page_count: How many pages there are; None where the list is not paged.
        item_count: How many items all pages hold.
    """

    items: list[Mapping[str, Any]]
    page_count: int | None
    item_count: int | None


class TraktClient:
    """Trakt's API, for one account. Close it after use.

    Args:
        settings: The domain's configuration.
        ledger: Holds the account's rate budget.
        account: The account's name in the configuration.
        tokens: The account's tokens.
        maximum_wait_seconds: The longest wait for the rate budget that is acceptable.
        sleep: Waits, in seconds.
    """

    def __init__(  # noqa: PLR0913 - two of them are optional, and named
        self,
        settings: TraktSettings,
        ledger: Ledger,
        account: str,
        tokens: TokenKeeper,
        *,
        maximum_wait_seconds: float = 400.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.requests = 0
        self.pages = 0
        self._ledger = ledger
        self._tokens = tokens
        self._maximum_wait_seconds = maximum_wait_seconds
        self._sleep = sleep
        self._retries = settings.retries
        self._limit = RateLimit(f"trakt:{account}", PERMITS, PERIOD_SECONDS, burst=BURST)
        self._http = httpx.Client(
            base_url=str(settings.base_url),
            timeout=settings.timeout_seconds,
            headers={
                "Content-Type": "application/json",
                "User-Agent": USER_AGENT,
                "trakt-api-version": "2",
                "trakt-api-key": settings.client_id or "",
            },
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def last_activities(self) -> Any:
        """Ask when something changed last: one request.

        Returns:
            The answer's JSON.

        Raises:
            SyncError: It could not be asked.
        """
        return self._json(self._get("/sync/last_activities", {}))

    def items(
        self, path: str, parameters: Mapping[str, str] | None = None, *, paged: bool = True
    ) -> list[Mapping[str, Any]]:
        """Read a list, all pages of it.

        Args:
            path: Its address below the base.
            parameters: The query, without page and limit.
            paged: Whether Trakt must say how many pages there are. Some lists came whole until
                2026 and are taken as they come.

        Returns:
            The items, in Trakt's order.

        Raises:
            TraktUnavailableError: A page could not be had, or the list changed meanwhile.
            TraktResponseError: An answer makes no sense.
            SyncError: The account is not connected, or refused.
        """
        for _ in range(2):
            pages = list(self._pages(path, parameters or {}, paged=paged))
            items = [item for page in pages for item in page.items]
            counts = {page.item_count for page in pages}
            if counts == {len(items)} or counts == {None}:
                return items
            logger.info("%s changed while it was read; reading it again", path)
        raise TraktUnavailableError(
            f"{path} changed each time while it was read, or its pages do not hold what they "
            "promise.",
            remedy=_LATER,
        )

    def _pages(self, path: str, parameters: Mapping[str, str], *, paged: bool) -> Iterator[Page]:
        number, page_count = 1, 1
        progress = Progress(logger, "pages")
        while number <= page_count:
            query = {**parameters, "limit": str(PAGE_SIZE), "page": str(number)}
            page = self._page(path, query)
            if page.page_count is None:
                if paged:
                    raise TraktResponseError(
                        f"{path}: the answer does not say how many pages there are.",
                        remedy="Check for a proxy that removes headers, or update sync_assets.",
                    )
                yield page
                return
            yield page
            progress.update(number)
            page_count = page.page_count
            number += 1

    def _page(self, path: str, query: Mapping[str, str]) -> Page:
        answer = self._get(path, query)
        items = self._json(answer)
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise TraktResponseError(
                f"{path}: the answer is no list of items.", remedy="Update sync_assets."
            )
        self.pages += 1
        return Page(
            items,
            _count(answer, "X-Pagination-Page-Count"),
            _count(answer, "X-Pagination-Item-Count"),
        )

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise TraktResponseError(
                f"{answer.request.url.path}: the answer is no JSON.", remedy=_LATER
            ) from error

    def _get(self, path: str, query: Mapping[str, str]) -> httpx.Response:
        token, was_renewed = self._tokens.access_token(), False
        attempt = 0
        while True:
            wait = reserve(
                self._ledger, self._limit, maximum_wait_seconds=self._maximum_wait_seconds
            )
            self._sleep(wait)
            self.requests += 1
            bearer = {"Authorization": f"Bearer {token.get_secret_value()}"}
            try:
                answer = self._http.get(path, params=dict(query), headers=bearer)
            except httpx.TransportError as error:
                problem = type(error).__name__
            else:
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    if was_renewed:
                        raise self._tokens.give_up("Trakt refuses its newest token as well.")
                    token, was_renewed = self._tokens.renew(token), True
                    continue
                problem = self._problem(answer, path)
                if problem is None:
                    return answer
            attempt += 1
            if attempt > self._retries:
                raise TraktUnavailableError(
                    f"{path}: {problem}, {attempt} times in a row.", remedy=_LATER
                )
            self._sleep(_pause(attempt))

    def _problem(self, answer: httpx.Response, path: str) -> str | None:
        """Say what is wrong with an answer where repeating may help; None where nothing is.

        Raises:
            TraktRefusedError: Repeating does not help.
        """
        status = answer.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            block(self._ledger, self._limit.name, _retry_after(answer))
            return "Trakt was asked too often (429)"
        if status in _TRANSIENT:
            return f"Trakt answered {status}"
        if answer.is_success:
            is_page = "html" in answer.headers.get("Content-Type", "")
            return "a web page came instead of data" if is_page else None
        what, remedy = _REFUSALS.get(status, _REFUSAL)
        if upgrade := answer.headers.get("X-Upgrade-URL"):
            remedy = f"{remedy} {upgrade}"
        raise TraktRefusedError(f"{path}: Trakt {what} ({status}).", remedy=remedy)


def _count(answer: httpx.Response, header: str) -> int | None:
    text = answer.headers.get(header, "")
    return int(text) if text.isdecimal() else None


def _pause(attempt: int) -> float:
    # Half of it by chance: what failed together should not come back together.
    longest = min(2.0**attempt, _LONGEST_PAUSE_SECONDS)
    return longest / 2 + random.uniform(0, longest / 2)  # noqa: S311 - no secret


def _retry_after(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return _LONGEST_PAUSE_SECONDS
