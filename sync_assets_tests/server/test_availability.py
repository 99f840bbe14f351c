"""A ledger that cannot be used: nothing is acknowledged, everybody is told, and it recovers."""

import sqlite3

from sqlalchemy import event

from sync_assets.ledger import Ledger
from sync_assets.server import inbox_writer, ledger_reader

WEBHOOK = "/api/v1/webhook/generic"


def limit_pages(ledger: Ledger, pages: int) -> None:
    @event.listens_for(ledger.engine, "begin")
    def limit(connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def test_a_full_disk_answers_503_and_stores_nothing(app, client, ingest, stored):
    limit_pages(app.state.context.ledger, 1)
    answer = client.post(WEBHOOK, headers=ingest, json={"a": "x" * 100_000})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["error"]["code"] == "ledger_unavailable"
    assert "Free space" in answer.json()["error"]["remedy"]
    assert stored() == []
    limit_pages(app.state.context.ledger, 1_000_000)
    assert client.post(WEBHOOK, headers=ingest, json={}).status_code == 200


def test_a_locked_ledger_answers_503_in_time_and_stores_nothing(
    client, ingest, stored, settings, monkeypatch
):
    monkeypatch.setattr(inbox_writer, "ANSWER_TIMEOUT_SECONDS", 0.05)
    other = sqlite3.connect(settings.home / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = client.post(WEBHOOK, headers=ingest, json={"id": "refused"})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "ledger_unavailable"
    other.execute("ROLLBACK")
    other.close()
    monkeypatch.setattr(inbox_writer, "ANSWER_TIMEOUT_SECONDS", 30.0)
    assert client.post(WEBHOOK, headers=ingest, json={"id": "accepted"}).status_code == 200
    assert "accepted" in [row.event_id for row in stored()]


def test_a_damaged_ledger_answers_503_everywhere_and_metrics_say_so(
    app, client, ingest, ledger, settings
):
    app.state.context.ledger.close()
    ledger.close()
    for path in settings.home.glob("ledger.db*"):
        path.write_bytes(b"this is no database " * 1_000)
    assert client.post(WEBHOOK, headers=ingest, json={}).status_code == 503
    health = client.get("/health")
    assert health.status_code == 503
    assert health.json()["status"] == "failed"
    assert (
        health.json()["ledger"]["remedy"] == "The file is damaged or is something else: "
        "restore a backup."
    )
    assert str(settings.home) not in health.text
    metrics = client.get("/metrics")
    assert metrics.status_code == 200
    assert "sync_ledger_up 0.0" in metrics.text


def test_a_ledger_that_does_not_answer_in_time_fails_health(client, monkeypatch):
    monkeypatch.setattr(ledger_reader, "LEDGER_TIMEOUT_SECONDS", 0.0)
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["ledger"]["status"] == "failed"


def test_a_schema_of_another_version_fails_health(client, settings):
    with sqlite3.connect(settings.home / "ledger.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    answer = client.get("/health")
    assert answer.status_code == 503
    assert "9999" in answer.json()["ledger"]["problem"]
