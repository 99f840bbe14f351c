"""Whatever is sent to the API, within its description or against it, no answer is a defect of ours.

The same requests come every time, in seconds. Dagster is down and no name resolves, so that only
the server itself can fail; what then cannot be done is said with 503.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import schemathesis
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from sync_assets.ledger import Ledger
from sync_assets.ledger.tokens import Scope
from sync_assets.watchlist.models import ShareKind
from sync_assets.watchlist.store import episodes, shares
from sync_assets.watchlist.store.episodes import SeenEpisode
from sync_assets_tests.watchlist.building import add_item, numbered

EXAMPLES = 6
"""Requests for each operation and each way of making them."""

_OURS = ("/api/watchlist", "/feeds", "/lists")
_NEED_DAGSTER = frozenset({"/api/watchlist/scheduler/start", "/api/watchlist/scheduler/stop"})


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    """A real server of this process."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def known(ledger: Ledger) -> Mapping[str, Mapping[str, Any]]:
    """What the parameters of addresses can be to find something, by the address."""
    with ledger.write() as connection:
        item = add_item(connection, "operator")
        (episode,) = episodes.see(connection, item, [SeenEpisode(numbered("1"))])
        secrets = {
            kind: shares.create(connection, "operator", kind)[1]
            for kind in (ShareKind.FEED, ShareKind.LIST)
        }
        share, _ = shares.create(connection, "operator", ShareKind.FEED)
    ids = {"item_id": item.id, "episode_id": episode, "share_id": share.id}
    return {
        "/feeds/": {"secret": secrets[ShareKind.FEED]},
        "/lists/": {"secret": secrets[ShareKind.LIST]},
        "/api/": ids,
    }


def parameters_of(path: str, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    fitting = next(values for prefix, values in known.items() if path.startswith(prefix))
    return {name: value for name, value in fitting.items() if f"{{{name}}}" in path} or None


def test_no_request_is_answered_by_a_defect(app, address, headers_for, known):
    headers = headers_for("operator", Scope.ADMIN)
    schema = schemathesis.openapi.from_dict(app.openapi())
    found = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    operations = [each for each in found if each.path.startswith(_OURS)]
    assert len(operations) > 20
    # What deletes comes last: until then there is something to find.
    operations.sort(key=lambda operation: operation.method == "delete")
    answered: dict[int, int] = {}
    for operation in operations:
        for mode in GenerationMode:
            ids = parameters_of(operation.path, known) if mode.is_positive else None
            for status in statuses(operation, mode, ids, address, headers):
                is_defect = status >= 500 and not (
                    status == 503 and operation.path in _NEED_DAGSTER
                )
                assert not is_defect, f"{operation.label}: {status}"
                answered[status] = answered.get(status, 0) + 1
    assert answered[200] > 50
    assert answered[422] > 50


def statuses(
    operation: Any,
    mode: GenerationMode,
    path_parameters: dict[str, Any] | None,
    address: str,
    headers: Mapping[str, str],
) -> list[int]:
    """Send requests of an operation, and return how they were answered."""
    answers: list[int] = []

    @hypothesis_settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=path_parameters))
    def send(case: schemathesis.Case) -> None:
        answer = case.call(base_url=address, headers=dict(headers), timeout=20)
        answers.append(answer.status_code)
        if answer.status_code >= 500:
            print(case.as_curl_command())

    send()
    return answers
