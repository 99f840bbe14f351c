"""What the server says about all that was relayed, looked through for secrets."""

from collections.abc import Iterator
from typing import Any

import httpx

from sync_assets.ledger.events import last_event_id
from sync_assets_tests.chaos.secret_search import SecretSearch
from sync_assets_tests.chaos.stage import Stage
from sync_assets_tests.ops.waiting import wait_until

_ADDRESSES = (
    "/health",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/api/media",
    "/api/downloads",
    "/api/uploads",
    "/api/uploads/pending",
    "/api/statistics",
)
_PAGES = ("/", "/transfers", "/watchlist")
_LISTS = ("media", "downloads", "uploads")
_PAGE_LENGTH, _LARGEST_PAGE = 50, 200
_MOMENT_SECONDS = 2.0


def no_answer_tells_a_secret(stage: Stage, search: SecretSearch) -> Iterator[str]:
    """Ask the server for everything about the relay, and say what it should not have told.

    Args:
        stage: Where it runs.
        search: The secrets.
    """
    stage.server.require()
    with stage.ledger.read() as connection:
        newest = last_event_id(connection)
    with httpx.Client(base_url=stage.server_url, timeout=30, trust_env=False) as client:
        wait_until(lambda: _is_up(client), "the server answers")
        client.headers["Authorization"] = f"Bearer {stage.admin_token}"
        for answer in _answers(client):
            path = answer.request.url.path
            if not answer.is_success:
                yield f"the API answers: {path} does so with {answer.status_code}"
            told = answer.content + str(answer.headers.raw).encode()
            yield from search.found(f"the answer of {path}", told)
        yield from search.found("the live events", _events(client, newest))
        del client.headers["Authorization"]
        client.headers["Sec-Fetch-Site"] = "same-origin"
        client.post("/sign-in", data={"token": stage.admin_token})
        for address in _PAGES:
            page = client.get(address)
            if page.status_code != 200:
                yield f"the pages answer: {address} does so with {page.status_code}"
            yield from search.found(f"the page {address}", page.content)


def found_in_lists(stage: Stage, search: SecretSearch) -> Iterator[str]:
    """Say which secrets the server tells of what moves just now; nothing where it is down.

    Args:
        stage: Where it runs.
        search: The secrets.
    """
    headers = {"Authorization": f"Bearer {stage.user_token}"}
    for kind in _LISTS:
        try:
            answer = httpx.get(
                f"{stage.server_url}/api/{kind}?limit={_LARGEST_PAGE}",
                headers=headers,
                timeout=_MOMENT_SECONDS,
                trust_env=False,
            )
        except httpx.HTTPError:
            return
        yield from search.found(f"the list of {kind}", answer.content)


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/docs").is_success
    except httpx.HTTPError:
        return False


def _answers(client: httpx.Client) -> Iterator[httpx.Response]:
    for address in _ADDRESSES:
        yield client.get(address)
    for kind in _LISTS:
        cursor: int | None = None
        while True:
            at = {} if cursor is None else {"cursor": cursor}
            answer = client.get(f"/api/{kind}", params={"limit": _PAGE_LENGTH, **at})
            yield answer
            content: dict[str, Any] = answer.json()
            for each in content.get(kind, [])[:2]:
                yield client.get(f"/api/{kind}/{each['id']}")
            cursor = content.get("next_cursor")
            if cursor is None:
                break


def _events(client: httpx.Client, newest: int) -> bytes:
    """Return the live stream, which has no end, up to an event."""
    told = b""
    with client.stream("GET", "/api/events", params={"after": 0}) as stream:
        for block in stream.iter_bytes():
            told += block
            if f"id: {newest}\n".encode() in told:
                break
    return told
