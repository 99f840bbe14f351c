"""The requests that all providers have in common: asking a token endpoint, and reading its answer.

Source: RFC 6749, sections 5.1 and 5.2 (success and error answers of the token endpoint).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from sync_assets.ledger.types import utc_now
from sync_assets.oauth.errors import (
    GrantRejectedError,
    ProviderUnavailableError,
    TokenAnswerLostError,
)
from sync_assets.oauth.tokens import TokenSet

CONNECT_TIMEOUT_SECONDS = 10.0
ANSWER_TIMEOUT_SECONDS = 90.0
"""Long: an answer that is given up takes the single-use token with it."""

_RETRY = "Nothing to do: it is tried again by itself."


def post(  # noqa: PLR0913 - all but two are named
    url: str,
    fields: Mapping[str, str],
    *,
    provider: str,
    headers: Mapping[str, str] | None = None,
    is_form: bool = False,
    accepts_too_many_requests: bool = False,
    answer_timeout_seconds: float = ANSWER_TIMEOUT_SECONDS,
) -> httpx.Response:
    """Send a request to a provider's OAuth endpoint, once.

    Args:
        url: The endpoint.
        fields: The body's fields; they hold secrets and are in no error text.
        provider: What messages call it.
        headers: Further headers.
        is_form: Whether the body is a form rather than JSON.
        accepts_too_many_requests: Whether 429 is an answer that the caller understands.
        answer_timeout_seconds: How long the provider may be silent.

    Returns:
        The answer, whatever its status below 500, 429 aside.

    Raises:
        ProviderUnavailableError: It could not be reached, or says that it cannot work now.
        TokenAnswerLostError: It was reached and gave no whole answer.
    """
    timeout = httpx.Timeout(answer_timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS)
    body: dict[str, Any] = {"data" if is_form else "json": dict(fields)}
    try:
        with httpx.Client(timeout=timeout, headers=headers) as client:
            answer = client.post(url, **body)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise ProviderUnavailableError(
            f"{provider} cannot be reached: {type(error).__name__}.", remedy=_RETRY
        ) from error
    except httpx.TransportError as error:
        raise TokenAnswerLostError(
            f"{provider} gave no whole answer: {type(error).__name__}.", remedy=_RETRY
        ) from error
    too_many = answer.status_code == httpx.codes.TOO_MANY_REQUESTS
    if answer.is_server_error or (too_many and not accepts_too_many_requests):
        raise ProviderUnavailableError(
            f"{provider} answered {answer.status_code} at its token endpoint.", remedy=_RETRY
        )
    return answer


def request_tokens(
    url: str,
    fields: Mapping[str, str],
    *,
    provider: str,
    headers: Mapping[str, str] | None = None,
    is_form: bool = False,
) -> TokenSet:
    """Exchange a code or a refresh token for tokens.

    Args:
        url: The token endpoint.
        fields: The body's fields.
        provider: What messages call it.
        headers: Further headers.
        is_form: Whether the body is a form rather than JSON.

    Returns:
        The tokens.

    Raises:
        GrantRejectedError: The code or refresh token is refused.
        ProviderUnavailableError: Nothing was used up; it can be tried again.
        TokenAnswerLostError: Whether it was used up is unknown.
    """
    asked_at = utc_now()
    answer = post(url, fields, provider=provider, headers=headers, is_form=is_form)
    if not answer.is_success:
        raise GrantRejectedError(
            f"{provider} answered {answer.status_code}{_error_code(answer)}.",
            remedy="Check client_id, client_secret and redirect_uri, then connect it again.",
        )
    return read_tokens(answer, provider=provider, asked_at=asked_at)


def read_tokens(answer: httpx.Response, *, provider: str, asked_at: Any) -> TokenSet:
    """Read the answer of a token endpoint.

    Args:
        answer: A successful one.
        provider: What messages call it.
        asked_at: When the request was sent; lifetimes count from here, by this machine's clock.

    Returns:
        The tokens.

    Raises:
        TokenAnswerLostError: It holds no tokens: those that were issued are lost.
    """
    try:
        content = answer.json()
        access_token, refresh_token = str(content["access_token"]), content.get("refresh_token")
        lifetime = content.get("expires_in")
        expires_at = None if lifetime is None else asked_at + timedelta(seconds=float(lifetime))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise TokenAnswerLostError(
            f"{provider} answered {answer.status_code} without tokens.", remedy=_RETRY
        ) from error
    return TokenSet(
        access_token=SecretStr(access_token),
        refresh_token=SecretStr(refresh_token) if refresh_token else None,
        obtained_at=asked_at,
        expires_at=expires_at,
        scope=str(content.get("scope") or ""),
    )


def _error_code(answer: httpx.Response) -> str:
    """Return the provider's error code; never the description, which may repeat what was sent."""
    try:
        code = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    known = isinstance(code, str) and code.replace("_", "").isalpha()
    return f" ({code})" if known else ""
