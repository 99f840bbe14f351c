"""Who may call what."""

import asyncio

import pytest

from sync_assets.ledger.tokens import Scope, create_token, list_tokens, revoke_token
from sync_assets.server.ledger_reader import LedgerReader
from sync_assets.server.token_verifier import TRUSTED_SECONDS, TokenVerifier

WEBHOOK = "/api/v1/webhook/generic"


def test_without_a_token_the_answer_says_how_to_get_one(client):
    answer = client.post(WEBHOOK, json={})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="sync_assets"'
    assert "scripts/token create" in answer.json()["error"]["remedy"]


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "sync_000000000000_" + "A" * 43,
        "sync_\x00",
        "sync_000000000000_" + "A" * 42 + "\u00fc",
    ],
)
def test_a_token_that_is_none_is_401(client, token):
    headers = {"Authorization": f"Bearer {token}".encode("latin-1")}
    answer = client.post(WEBHOOK, headers=headers, json={})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_wrong_secret_and_a_revoked_token_get_the_answer_of_an_unknown_one(
    client, ledger, ingest
):
    with ledger.write() as connection:
        revoked, plain_text = create_token(connection, "old", Scope.INGEST)
        revoke_token(connection, revoked.id)
    valid = ingest["Authorization"]
    wrong = valid[:-1] + ("A" if valid[-1] != "A" else "B")
    tokens = [f"Bearer {plain_text}", wrong, "Bearer sync_000000000000_" + "A" * 43]
    answers = [client.post(WEBHOOK, headers={"Authorization": t}, json={}) for t in tokens]
    errors = [answer.json()["error"] for answer in answers]
    assert {answer.status_code for answer in answers} == {401}
    assert len({(error["code"], error["message"], error["remedy"]) for error in errors}) == 1


def test_a_token_in_the_address_is_no_token(client, ingest):
    token = ingest["Authorization"].removeprefix("Bearer ")
    answer = client.post(f"{WEBHOOK}?token={token}&access_token={token}", json={})
    assert answer.status_code == 401


def test_the_scheme_is_not_case_sensitive(client, ingest):
    headers = {"Authorization": ingest["Authorization"].replace("Bearer", "bearer")}
    assert client.post(WEBHOOK, headers=headers, json={}).status_code == 200


@pytest.mark.parametrize(
    ("scope", "status"), [(Scope.INGEST, 200), (Scope.USER, 403), (Scope.ADMIN, 200)]
)
def test_webhooks_need_the_scope_ingest(client, headers_for, scope, status):
    answer = client.post(WEBHOOK, headers=headers_for(scope), json={})
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"]["code"] == "forbidden"
        assert 'scope="ingest"' in answer.headers["www-authenticate"]


def test_events_refuse_the_scope_ingest(client, ingest):
    answer = client.get("/api/events", headers=ingest)
    assert answer.status_code == 403
    assert 'scope="user"' in answer.headers["www-authenticate"]


def test_a_token_is_in_no_log_and_no_answer(client, ingest, caplog, ledger):
    caplog.set_level("DEBUG")
    token = ingest["Authorization"].removeprefix("Bearer ")
    answers = [
        client.post(WEBHOOK, headers=ingest, json={"a": 1}),
        client.post(WEBHOOK, headers=ingest, content=b"x"),
        client.get("/api/events", headers=ingest),
        client.get("/metrics"),
    ]
    assert not any(token in answer.text for answer in answers)
    assert token not in caplog.text


def test_a_revoked_token_is_trusted_for_a_second_at_most(ledger):
    clock = [0.0]

    async def is_valid_at(verifier: TokenVerifier, now: float, plain_text: str) -> bool:
        clock[0] = now
        return await verifier.verify(plain_text) is not None

    async def scenario() -> None:
        reader = LedgerReader(ledger)
        verifier = TokenVerifier(reader, clock=lambda: clock[0])
        with ledger.write() as connection:
            token, plain_text = create_token(connection, "a", Scope.USER)
        assert await is_valid_at(verifier, 0.0, plain_text)
        with ledger.write() as connection:
            revoke_token(connection, token.id)
        assert await is_valid_at(verifier, TRUSTED_SECONDS * 0.99, plain_text)
        assert not await is_valid_at(verifier, TRUSTED_SECONDS, plain_text)
        assert not await is_valid_at(verifier, TRUSTED_SECONDS * 1.5, plain_text)
        reader.close()

    asyncio.run(scenario())


def test_a_refused_token_is_asked_for_again(ledger):
    async def scenario() -> None:
        reader = LedgerReader(ledger)
        verifier = TokenVerifier(reader, clock=lambda: 0.0)
        assert await verifier.verify("sync_000000000000_" + "A" * 43) is None
        with ledger.write() as connection:
            _, plain_text = create_token(connection, "a", Scope.USER)
        assert await verifier.verify(plain_text) is not None
        reader.close()

    asyncio.run(scenario())
    with ledger.read() as connection:
        assert len(list_tokens(connection)) == 1
