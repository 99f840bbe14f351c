"""`/health`: the same report as `health.json`."""

import json

from sync_assets.ledger.results import Result, ResultStatus
from sync_assets.ops.health import report_result


def test_everything_off_is_ok(client):
    answer = client.get("/health")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["ledger"]["status"]) == ("ok", "ok")
    assert body["domains"]["strm"] == {"status": "off", "partitions": []}
    assert answer.headers["cache-control"] == "no-store"


def test_the_body_is_what_the_file_says(client, ledger, settings):
    report_result(ledger, settings, Result("strm", "films", ResultStatus.OK, added=3))
    body = client.get("/health").json()
    file = json.loads((settings.home / "health.json").read_text())
    body.pop("timestamp")
    file.pop("timestamp")
    assert body == file
    assert body["domains"]["strm"]["partitions"][0]["added"] == 3
