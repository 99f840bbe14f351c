"""A server in this process, its users, and names that resolve without a network."""

import re
import socket
from collections.abc import Callable, Iterator, Mapping

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from sync_assets.ledger import Ledger
from sync_assets.ledger.tokens import Scope, create_token
from sync_assets.server.app import create_app
from sync_assets.settings import Settings
from sync_assets.settings.models import DagsterSettings, LedgerSettings
from sync_assets.settings.watchlist import WatchlistSettings
from sync_assets_tests.server.process import free_port

Headers = Mapping[str, str]

ADDRESSES = {
    "public.example": "93.184.216.34",
    "other.example": "93.184.216.35",
    "private.example": "10.0.0.1",
}
_LITERAL = re.compile(r"[\d.]+|[\da-f:.]*:[\da-f:.]*")


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve what the tests know; everything else is unknown, and no name server is asked."""
    usual = socket.getaddrinfo

    def resolve(host: str, *arguments: object, **options: object) -> object:
        known = ADDRESSES.get(host, host)
        if not _LITERAL.fullmatch(known):
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return usual(known, *arguments, **options)  # ty: ignore[invalid-argument-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def settings(tmp_path, migrated_url: str) -> Settings:
    return Settings(
        home=tmp_path / "home",
        ledger=LedgerSettings.model_validate({"url": migrated_url}),
        # Nothing listens there: Dagster is down unless a test says otherwise.
        dagster=DagsterSettings(port=free_port()),
        watchlist=WatchlistSettings.model_validate(
            {"allowed_private_hosts": ["127.0.0.1"], "fetching": {"requests_per_second": 20}}
        ),
    )


@pytest.fixture
def app(settings: Settings, ledger: Ledger) -> FastAPI:
    return create_app(settings)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def headers_for(ledger: Ledger) -> Callable[..., Headers]:
    def make(user: str, scope: Scope = Scope.USER) -> Headers:
        with ledger.write() as connection:
            _, plain_text = create_token(connection, f"{user}'s phone", scope, user=user)
        return {"Authorization": f"Bearer {plain_text}"}

    return make


@pytest.fixture
def alice(headers_for: Callable[..., Headers]) -> Headers:
    return headers_for("alice")


@pytest.fixture
def bob(headers_for: Callable[..., Headers]) -> Headers:
    return headers_for("bob")


@pytest.fixture
def admin(headers_for: Callable[..., Headers]) -> Headers:
    return headers_for("operator", Scope.ADMIN)


@pytest.fixture
def add(client: TestClient, alice: Headers) -> Callable[..., dict]:
    """Add an item as alice, without asking any page."""

    def post(name: str = "show", *, headers: Headers | None = None, **fields: object) -> dict:
        body = {
            "url": f"https://public.example/{name}.xml",
            "title": name,
            "provider": "feed",
            **fields,
        }
        answer = client.post("/api/watchlist", json=body, headers=headers or alice)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return post
