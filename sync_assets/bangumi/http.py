"""Send requests to Bangumi: who we are, how often, what to repeat, and what an answer means.

The limit is that of Bangumi's server (`config/config.go` and `web/mw/ban.lua` of bangumi/server):
3,000 requests in a fixed window of 10 minutes per user, then a ban of an hour, which its answer
does not announce.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from pydantic import SecretStr

from sync_assets.bangumi.access import TokenSource
from sync_assets.bangumi.errors import (
    BangumiBannedError,
    BangumiRejectedError,
    BangumiUnavailableError,
    OutcomeUnknownError,
)
from sync_assets.bangumi.user_agent import USER_AGENT
from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import RateBudgetExhaustedError, RateLimit, block, reserve
from sync_assets.oauth.errors import ProviderUnavailableError

WINDOW_SECONDS = 600.0
BAN_SECONDS = 3_600.0
READ_ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 120.0

_BURST_SHARE = 0.3
_BACKOFF_SECONDS = 2.0
_SERVER_ERRORS = 500
_LONGEST_REASON = 300
_LATER = "Nothing to do: what was not done is kept for the next run."

_log = logging.getLogger(__name__)


def rate_limit(account: str, requests_per_10_minutes: int) -> RateLimit:
    """Return the budget of an account: no window of ten minutes ever holds more requests.

    Args:
        account: The account's name.
        requests_per_10_minutes: The most requests in any ten minutes, burst included.
    """
    burst = max(1, int(requests_per_10_minutes * _BURST_SHARE))
    permits = max(1, requests_per_10_minutes - burst)
    return RateLimit(f"bangumi:{account}", permits, WINDOW_SECONDS, burst)


class BangumiTransport:
    """Sends the requests of one account, from any number of threads.

    Args:
        base_url: The API's address.
        token: Where the access token comes from.
        ledger: The ledger, which holds the account's budget.
        limit: The account's budget.
        timeout_seconds: How long the API may be silent.
        sleep: Waits for seconds.
        clock: Seconds since the epoch.
    """

    def __init__(  # noqa: PLR0913 - the last two are for tests
        self,
        base_url: str,
        token: TokenSource,
        ledger: Ledger,
        limit: RateLimit,
        *,
        timeout_seconds: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = httpx.Client(
            base_url=base_url,
            timeout=timeout_seconds,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
        )
        self._token = token
        self._ledger = ledger
        self._limit = limit
        self._sleep = sleep
        self._clock = clock
        self.requests = 0

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def read(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Ask for something; ask again where the answer is no answer.

        Args:
            method: The HTTP method.
            path: Below the address, with a leading slash.
            query: Parameters.
            body: What to send as JSON.

        Returns:
            The JSON of the answer; None where Bangumi has nothing of that name.

        Raises:
            BangumiUnavailableError: No attempt had an answer.
            BangumiRejectedError: The request is wrong.
            BangumiBannedError: The account must not ask now.
            NotConnectedError: No token of the account is accepted.
        """
        for attempt in range(1, READ_ATTEMPTS + 1):
            try:
                response = self._send(method, path, query, body)
                if response.status_code == httpx.codes.NOT_FOUND:
                    return None
                _require_success(response)
                return _json(response)
            except (_NoAnswerError, _PauseError) as error:
                if attempt == READ_ATTEMPTS:
                    message = f"Bangumi did not answer {method} {path}: {error}."
                    raise BangumiUnavailableError(message, remedy=_LATER) from error
                if isinstance(error, _NoAnswerError):
                    self._sleep(_BACKOFF_SECONDS * 2 ** (attempt - 1))
        raise AssertionError

    def write(self, method: str, path: str, body: Mapping[str, Any]) -> None:
        """Change something; any success code means that it was done.

        Args:
            method: The HTTP method.
            path: Below the address, with a leading slash.
            body: What to send as JSON.

        Raises:
            OutcomeUnknownError: It may have been done or not.
            BangumiRejectedError: It was refused.
            BangumiUnavailableError: It was not sent.
            BangumiBannedError: The account must not ask now; it was not done.
            NotConnectedError: No token of the account is accepted; it was not done.
        """
        for attempt in range(1, READ_ATTEMPTS + 1):
            try:
                response = self._send(method, path, None, body)
                _require_success(response)
            except _PauseError as error:
                if attempt == READ_ATTEMPTS:
                    message = f"Bangumi did not take {method} {path}: {error}."
                    raise BangumiUnavailableError(message, remedy=_LATER) from error
            except _NoAnswerError as error:
                message = f"Nobody knows whether Bangumi did {method} {path}: {error}."
                if error.was_sent:
                    raise OutcomeUnknownError(message, remedy=_LATER) from error
                message = f"Bangumi cannot be reached: {error}."
                raise BangumiUnavailableError(message, remedy=_LATER) from error
            else:
                return

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, int] | None,
        body: Mapping[str, Any] | None,
    ) -> httpx.Response:
        token = self._bearer(self._token.access_token)
        response = self._request(method, path, query, body, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            # Nothing was done: it may be sent again, with the token that follows.
            rejected = token
            token = self._bearer(lambda: self._token.renew(rejected))
            response = self._request(method, path, query, body, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise self._token.give_up(f"Bangumi refuses its newest token: {_reason(response)}.")
        return response

    def _bearer(self, token: Callable[[], SecretStr]) -> SecretStr:
        try:
            return token()
        except ProviderUnavailableError as error:
            raise _NoAnswerError(error.message.rstrip("."), was_sent=False) from error

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, int] | None,
        body: Mapping[str, Any] | None,
        token: SecretStr,
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
        self._wait_for_budget()
        try:
            response = self._client.request(method, path, params=query, json=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise _NoAnswerError(type(error).__name__, was_sent=False) from error
        except httpx.HTTPError as error:
            raise _NoAnswerError(type(error).__name__) from error
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            self._obey(response)
        return response

    def _wait_for_budget(self) -> None:
        try:
            wait = reserve(self._ledger, self._limit, clock=self._clock)
        except RateBudgetExhaustedError as error:
            message = f"Bangumi must not be asked now. {error.message}"
            raise BangumiBannedError(message, remedy=error.remedy) from error
        if wait > 0:
            self._sleep(wait)
        self.requests += 1

    def _obey(self, response: httpx.Response) -> None:
        """Stop the account for as long as Bangumi says, and without a word for a ban's length."""
        announced = response.headers.get("Retry-After", "")
        seconds = float(announced) if announced.isdecimal() else BAN_SECONDS
        block(self._ledger, self._limit.name, seconds, clock=self._clock)
        _log.warning("Bangumi takes no requests of %s for %.0f s", self._limit.name, seconds)
        if seconds > LONGEST_WAIT_SECONDS:
            raise BangumiBannedError(
                f"Bangumi has banned the account for its number of requests ({seconds:.0f} s).",
                remedy="Nothing to do: nothing is asked until the ban is over. If other programs "
                "use the account, set bangumi.requests_per_10_minutes lower.",
            )
        message = f"it asks for a pause of {seconds:.0f} s"
        raise _PauseError(message)


class _NoAnswerError(Exception):
    """No answer, or one of a server in trouble."""

    def __init__(self, message: str, *, was_sent: bool = True) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class _PauseError(Exception):
    """Not now, but soon."""


def _require_success(response: httpx.Response) -> None:
    status = response.status_code
    if status >= _SERVER_ERRORS:
        message = f"HTTP {status}"
        raise _NoAnswerError(message)
    if not response.is_success:
        request = f"{response.request.method} {response.request.url.path}"
        reason = _reason(response)
        raise BangumiRejectedError(
            f"Bangumi refused {request}: {reason} (HTTP {status}).",
            remedy="Look at the subject on Bangumi; correct the match with a rule if it is wrong.",
            status=status,
            reason=reason,
        )


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        kind = response.headers.get("Content-Type", "nothing").partition(";")[0]
        message = f"the answer is {kind}, not JSON"
        raise _NoAnswerError(message) from error


def _reason(response: httpx.Response) -> str:
    """Return what Bangumi says is wrong: `title`, `description` and `details` of its errors."""
    try:
        content = response.json()
    except ValueError:
        return "no reason given"
    if not isinstance(content, Mapping):
        return "no reason given"
    parts = [str(content[key]) for key in ("title", "description") if content.get(key)]
    details = content.get("details")
    if isinstance(details, Mapping):
        details = details.get("error") or details.get("message")
    if isinstance(details, str) and details:
        parts.append(details)
    return ": ".join(parts)[:_LONGEST_REASON] or "no reason given"
