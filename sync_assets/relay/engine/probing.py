"""Ask an origin itself why aria2 failed: aria2 tells neither the status nor `Retry-After`."""

import time
from email.utils import parsedate_to_datetime

import httpx

from sync_assets.addresses import AddressError
from sync_assets.relay.engine.outcomes import (
    UNREACHABLE,
    Outcome,
    TryAgain,
    outcome_of_status,
)
from sync_assets.relay.engine.reach import outcome_of_address
from sync_assets.relay.models import Reason, ReasonCode

_WORKS_AGAIN = Reason(
    ReasonCode.SERVER_ERROR, "The origin failed or broke off, and works again. Nothing to do."
)


def probe(
    link: str, *, timeout_seconds: float, transport: httpx.BaseTransport | None = None
) -> Outcome:
    """Ask for a link's first byte, once.

    Args:
        link: An http or https link.
        timeout_seconds: How long the origin may be silent.
        transport: What the request goes through; None for the usual.

    Returns:
        What its answer means; never that it is completed.
    """
    sent = {"Range": "bytes=0-0", "User-Agent": "sync_assets"}
    client = httpx.Client(transport=transport, follow_redirects=True, timeout=timeout_seconds)
    try:
        with client, client.stream("GET", link, headers=sent) as response:
            status, headers = response.status_code, response.headers
    except AddressError as error:
        return outcome_of_address(error)
    except (httpx.HTTPError, httpx.InvalidURL):
        return TryAgain(UNREACHABLE)
    if status >= 400:
        return outcome_of_status(status, retry_after_seconds(headers.get("retry-after", "")))
    return TryAgain(_WORKS_AGAIN)


def retry_after_seconds(text: str) -> float:
    """Return what a `Retry-After` header asks for; 0 for none or nonsense.

    Args:
        text: A number of seconds, or a date (RFC 9110, section 10.2.3).
    """
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0
