"""Every error has the one shape, whatever went wrong and wherever."""

import asyncio

import httpx
import pytest

from sync_assets.ledger import IllegalTransitionError, LedgerUnavailableError, UnknownSubjectError
from sync_assets.ledger.leases import LeaseHeldError
from sync_assets.server import webhooks

PATH = "/api/v1/webhook/generic"


def error_of(answer, status: int, code: str) -> dict:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["remedy"]
    assert error["request_id"] == answer.headers["x-request-id"]
    return error


def oversize_chunks():
    for _ in range(40):
        yield b"x" * 65_536


def test_an_unknown_address_is_404(client):
    error_of(client.get("/nothing?token=secret"), 404, "not_found")


def test_a_trailing_slash_is_another_address_and_not_a_redirect(client):
    error_of(client.get("/health/"), 404, "not_found")


def test_a_wrong_method_is_405_and_says_which_are_served(client):
    answer = client.delete("/health")
    error_of(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


def test_wrong_fields_are_422_listed_and_not_repeated(client, headers_for):
    answer = client.get("/api/events?after=secret&entity=UP", headers=headers_for("admin"))
    error = error_of(answer, 422, "invalid_fields")
    assert [field["location"] for field in error["fields"]] == ["query.after", "query.entity"]
    assert "secret" not in answer.text


def test_a_declared_oversize_body_is_413(client, ingest):
    error_of(client.post(PATH, headers=ingest, content=b"x" * 1_048_577), 413, "body_too_large")


def test_a_declared_oversize_body_is_413_where_no_route_reads_it(client):
    answer = client.post("/nothing", content=b"x" * 1_048_577)
    error_of(answer, 413, "body_too_large")
    assert answer.headers["connection"] == "close"


def test_a_chunked_oversize_body_is_413(client, ingest):
    answer = client.post(PATH, headers=ingest, content=oversize_chunks())
    error_of(answer, 413, "body_too_large")
    assert answer.headers["connection"] == "close"


def test_an_oversize_body_without_a_token_is_not_even_read(client):
    error_of(client.post(PATH, content=oversize_chunks()), 401, "unauthenticated")


def test_a_body_of_exactly_the_limit_is_read(client, ingest):
    body = b'{"a": "' + b"x" * (1_048_576 - 9) + b'"}'
    assert client.post(PATH, headers=ingest, content=body).status_code == 200


def test_a_body_that_never_ends_is_408(app, ingest, monkeypatch):
    monkeypatch.setattr(webhooks, "BODY_TIMEOUT_SECONDS", 0.05)

    async def first_half_only():
        yield b'{"a": '
        await asyncio.Event().wait()

    async def scenario() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://server") as client,
        ):
            return await client.post(PATH, headers=ingest, content=first_half_only())

    error_of(asyncio.run(scenario()), 408, "request_timeout")


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (UnknownSubjectError("No item 7.", remedy="Look."), 404, "unknown_subject"),
        (IllegalTransitionError("Not so.", remedy="Look."), 409, "illegal_transition"),
        (LeaseHeldError("In use.", remedy="Wait."), 500, "lease_held"),
    ],
)
def test_an_error_with_a_remedy_keeps_both(app, client, raised, status, code):
    async def fail() -> None:
        raise raised

    app.get("/fail")(fail)
    error = error_of(client.get("/fail"), status, code)
    assert (error["message"], error["remedy"]) == (raised.message, raised.remedy)


def test_an_unavailable_ledger_is_503_and_does_not_name_its_place(app, client):
    async def fail() -> None:
        raise LedgerUnavailableError("/home/alice/ledger.db: full", remedy="Free space.")

    app.get("/fail")(fail)
    answer = client.get("/fail")
    error = error_of(answer, 503, "ledger_unavailable")
    assert "Free space." in error["remedy"]
    assert "alice" not in answer.text
    assert int(answer.headers["retry-after"]) > 0


def test_a_mistake_of_ours_is_500_without_its_cause(app, client, caplog):
    async def fail() -> None:
        raise ValueError("the secret is 1234")

    app.get("/fail")(fail)
    answer = client.get("/fail")
    error = error_of(answer, 500, "internal_error")
    assert "1234" not in answer.text
    assert error["request_id"] in caplog.text
