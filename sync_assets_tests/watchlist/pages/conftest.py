"""A server in this process, whose pages alice sees; a site of this machine."""

import re
from collections.abc import Callable, Iterator
from html import unescape

import pytest
from starlette.testclient import TestClient

from sync_assets.ledger import Ledger
from sync_assets.ledger.tokens import Scope, create_token
from sync_assets.ledger.types import AnyRow
from sync_assets.server.app import create_app
from sync_assets.settings import Settings
from sync_assets_tests.server.process import free_port
from sync_assets_tests.upstreams.feed_site import Document, FeedSite
from sync_assets_tests.watchlist.building import add_item
from sync_assets_tests.watchlist.watching import feed

FEED = feed(
    [(f"[Group] Hoshizora - {n:02} (1080p).mkv", f"http://t.example/{n}.mkv") for n in range(1, 4)]
)


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings.model_validate(
        {
            "home": tmp_path,
            # Nothing listens there: Dagster is down.
            "dagster": {"port": free_port()},
            "watchlist": {
                "allowed_private_hosts": ["127.0.0.1"],
                "fetching": {"requests_per_second": 20, "timeout_seconds": 5},
            },
        }
    )


@pytest.fixture
def ledger(settings: Settings, new_ledger: Callable[[Settings], Ledger]) -> Iterator[Ledger]:
    ledger = new_ledger(settings)
    yield ledger
    ledger.close()


@pytest.fixture
def client(settings: Settings, ledger: Ledger) -> Iterator[TestClient]:
    """A browser in which alice is signed in."""
    with ledger.write() as connection:
        _, token = create_token(connection, "alice's browser", Scope.USER, user="alice")
    browser = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    with TestClient(
        create_app(settings),
        headers=browser,
        follow_redirects=False,
        raise_server_exceptions=False,
    ) as client:
        assert client.post("/sign-in", data={"token": token}).status_code == 303
        yield client


@pytest.fixture
def site() -> Iterator[FeedSite]:
    with FeedSite() as running:
        running.documents["/feed.xml"] = Document(FEED)
        yield running


@pytest.fixture
def add(ledger: Ledger) -> Callable[..., AnyRow]:
    """Let somebody watch something; alice, if nobody else is named."""
    count = 0

    def write(owner: str = "alice", **fields: object) -> AnyRow:
        nonlocal count
        count += 1
        url = f"https://feeds.example/{count}.xml"
        with ledger.write() as connection:
            return add_item(connection, owner, **{"url": url} | fields)

    return write


@pytest.fixture
def text_of(client: TestClient) -> Callable[..., str]:
    """Get a page; return what it says, without its marks."""

    def read(path: str, **headers: str) -> str:
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return plain(answer.text)

    return read


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
