"""The generic webhook: what it stores, and what it refuses."""

import pytest

PATH = "/api/v1/webhook/generic"


def test_an_event_is_on_disk_before_it_is_acknowledged(client, ingest, stored):
    answer = client.post(PATH, headers=ingest, json={"id": "a", "path": "/фильм.mkv"})
    assert answer.status_code == 200
    assert answer.json() == {"id": "a", "duplicate": False}
    (row,) = stored()
    assert (row.source, row.event_id, row.state) == ("generic", "a", "received")
    assert row.payload == {"id": "a", "path": "/фильм.mkv"}


def test_the_same_event_again_is_a_duplicate_and_stored_once(client, ingest, stored):
    client.post(PATH, headers=ingest, json={"event_id": "a"})
    answer = client.post(PATH, headers=ingest, json={"event_id": "a"})
    assert answer.status_code == 200
    assert answer.json() == {"id": "a", "duplicate": True}
    assert len(stored()) == 1


def test_two_equal_bodies_without_an_id_are_two_events(client, ingest, stored):
    ids = {client.post(PATH, headers=ingest, json={"a": 1}).json()["id"] for _ in range(2)}
    assert len(ids) == 2
    assert {row.event_id for row in stored()} == ids


def test_a_source_has_its_own_ids(client, ingest, stored):
    for source in ("", "?source=one", "?source=two-2_b"):
        answer = client.post(PATH + source, headers=ingest, json={"id": 7})
        assert answer.json() == {"id": "7", "duplicate": False}
    assert [row.source for row in stored()] == ["generic", "generic:one", "generic:two-2_b"]


def test_the_header_goes_before_event_id_and_event_id_before_id(client, ingest):
    body = {"id": "c", "event_id": "b"}
    keyed = {**ingest, "Idempotency-Key": "a"}
    assert client.post(PATH, headers=keyed, json=body).json()["id"] == "a"
    assert client.post(PATH, headers=ingest, json=body).json()["id"] == "b"
    assert client.post(PATH, headers=ingest, json={"id": "c", "event_id": None}).json()["id"] == "c"


@pytest.mark.parametrize("source", ["", "A", "a b", "a:b", "x" * 65, "ü"])
def test_a_source_of_other_characters_is_refused(client, ingest, stored, source):
    answer = client.post(PATH, params={"source": source}, headers=ingest, json={})
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["location"] == "query.source"
    assert stored() == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b"[]", "not an object"),
        (b'"text"', "not an object"),
        (b"null", "not an object"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "too large"),
        (b'{"a": "\\u0000"}', "u0000"),
        (b'{"\\\\\\u0000": 1}', "u0000"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"a": "\\uDC00x"}', "surrogate"),
        (b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", "100 levels"),
        (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "100 levels"),
        (b'{"a": ' * 5_000 + b"1" + b"}" * 5_000, "100 levels"),
    ],
)
def test_a_body_that_cannot_be_stored_is_refused_with_the_reason(client, ingest, stored, body, why):
    answer = client.post(PATH, headers=ingest, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"
    assert why in answer.json()["error"]["message"]
    assert stored() == []


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\\ud83d\\ude00"}',
        b'{"a": "\\\\u0000 is how JSON writes NUL"}',
        b'{"a": ' + b"9" * 4_000 + b"}",
        b'{"a": ' + b"[" * 99 + b"]" * 99 + b"}",
        b'{"a": [' + b"[]," * 5_000 + b"1]}",
    ],
)
def test_an_unusual_body_that_can_be_stored_is_stored(client, ingest, stored, body):
    assert client.post(PATH, headers=ingest, content=body).status_code == 200
    assert len(stored()) == 1


@pytest.mark.parametrize("value", ["", "a\nb", "\x7f", "x" * 256, True, 1.5, [], {}])
def test_an_id_that_cannot_be_one_is_refused(client, ingest, stored, value):
    answer = client.post(PATH, headers=ingest, json={"id": value})
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["error"]["remedy"]
    assert stored() == []
