"""A server in this process, on a temporary home, with one token of each scope."""

import os
from collections.abc import Callable, Generator, Mapping

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import inbox_events
from sync_assets.ledger.tokens import Scope, create_token
from sync_assets.server.app import create_app
from sync_assets.settings import Settings
from sync_assets_tests.server.dagster_webserver import Webserver, running_webserver

Headers = Mapping[str, str]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("SYNC_"):
            monkeypatch.delenv(name)


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def ledger(settings: Settings, new_ledger: Callable[[Settings], Ledger]) -> Generator[Ledger]:
    ledger = new_ledger(settings)
    yield ledger
    ledger.close()


@pytest.fixture
def headers_for(ledger: Ledger) -> Callable[[Scope], Headers]:
    def make(scope: Scope) -> Headers:
        with ledger.write() as connection:
            _, plain_text = create_token(connection, f"test {scope}", scope)
        return {"Authorization": f"Bearer {plain_text}"}

    return make


@pytest.fixture
def ingest(headers_for) -> Headers:
    return headers_for(Scope.INGEST)


@pytest.fixture
def app(settings: Settings, ledger: Ledger) -> FastAPI:
    return create_app(settings)


@pytest.fixture
def client(app: FastAPI) -> Generator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def sign_in(client: TestClient, ledger: Ledger) -> Callable[[Scope], str]:
    """Sign the client in, as a browser on the server's own page does; returns the token's id."""

    def begin(scope: Scope) -> str:
        with ledger.write() as connection:
            token, plain_text = create_token(connection, f"browser {scope}", scope)
        client.headers["Sec-Fetch-Site"] = "same-origin"
        answer = client.post("/sign-in", data={"token": plain_text}, follow_redirects=False)
        assert answer.status_code == 303
        return token.id

    return begin


@pytest.fixture
def webserver() -> Generator[Webserver]:
    with running_webserver() as running:
        yield running


@pytest.fixture
def stored(ledger: Ledger) -> Callable[[], list]:
    def read() -> list:
        with ledger.read() as connection:
            return list(connection.execute(select(inbox_events).order_by(inbox_events.c.id)))

    return read
