"""The storages' webhooks: trap 27. Whatever comes is kept; only who may send it is checked."""

import json
from pathlib import Path

import pytest

from sync_assets.strm.events.parsing import UNPARSED, ChangeKind, parse_event

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "strm" / "cd2_webhook_samples.jsonl"
PATHS = {
    "/api/v1/webhook/clouddrive": "clouddrive",
    "/api/v1/webhook/clouddrive/mount": "clouddrive",
    "/api/v1/webhook/openlist": "openlist",
}
FILE = {"data": [{"action": "create", "is_dir": "false", "source_file": "/115/新.mkv"}]}
MOUNT = {"data": [{"action": "unmount", "mount_point": "/CloudNAS", "status": "true"}]}
SIMPLE = {"path": "/115/新.mkv", "action": "create", "is_dir": False}


@pytest.mark.parametrize(("path", "body"), [*zip(PATHS, [FILE, MOUNT, SIMPLE], strict=True)])
def test_an_event_is_on_disk_before_it_is_acknowledged(client, ingest, stored, path, body):
    answer = client.post(path, headers=ingest, json=body)
    assert answer.status_code == 200
    assert answer.json()["understood"] is True
    (row,) = stored()
    assert (row.source, row.event_id, row.state) == (PATHS[path], answer.json()["id"], "received")
    assert row.payload == body


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic x", "Bearer sync_0_1"])
def test_trap_27_a_wrong_or_missing_secret_is_refused(client, stored, path, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = client.post(path, headers=headers, json=FILE)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthenticated"
    assert stored() == []


def test_every_delivery_is_an_event_of_its_own(client, ingest, stored):
    for _ in range(3):
        client.post(next(iter(PATHS)), headers=ingest, json=FILE)
    assert len({row.event_id for row in stored()}) == 3


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"action":"create","source_file":"/115/a"b.mkv","destination_file":""}]}',
        b"",
        b"[]",
        b"null",
        b"action=create&path=/a",
        b'{"path": "\xff\xfe"}',
        b'{"path": "/a\\u0000b"}',
        b'{"path": "/a\\ud83d"}',
        b"\0\0\0",
        b'{"data": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ],
)
def test_trap_27_a_body_that_cannot_be_parsed_is_kept_as_text(client, ingest, stored, path, body):
    answer = client.post(path, headers=ingest, content=body)
    assert answer.status_code == 202
    assert answer.json()["understood"] is False
    (row,) = stored()
    assert set(row.payload) == {UNPARSED, "problem"}
    changes = parse_event(row.payload).changes
    assert changes
    assert {change.kind for change in changes} == {ChangeKind.RESCAN}


@pytest.mark.parametrize("body", [{}, {"data": []}, {"data": {"action": "create"}}, {"data": [1]}])
def test_trap_27_a_body_of_another_form_is_kept_as_it_is(client, ingest, stored, body):
    answer = client.post(next(iter(PATHS)), headers=ingest, json=body)
    assert answer.status_code == 202
    assert [row.payload for row in stored()] == [body]


@pytest.mark.parametrize("path", PATHS)
def test_trap_27_a_body_of_ten_megabytes_is_refused(client, ingest, stored, path):
    answer = client.post(path, headers=ingest, content=b"x" * 10_000_000)
    assert answer.status_code == 413
    assert stored() == []


def test_every_sample_of_clouddrive_is_kept(client, ingest, stored):
    if not SAMPLES.exists():
        pytest.skip(f"the samples are not here: {SAMPLES.name}")
    samples = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
    statuses = {}
    for sample in samples:
        body = sample.get("raw") or json.dumps(sample["body"])
        answer = client.post(next(iter(PATHS)), headers=ingest, content=body.encode())
        statuses[sample["case"]] = answer.status_code
    assert len(stored()) == len(samples)
    assert {case for case, status in statuses.items() if status == 202} == {
        "NUL",
        "missing data",
        "data object, not array",
        "raw quote in a file name breaks the template's JSON",
    }
    assert set(statuses.values()) == {200, 202}
