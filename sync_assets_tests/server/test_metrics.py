"""`/metrics`: what Prometheus reads."""

from collections.abc import Mapping

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from sync_assets.ledger.rate_budgets import RateLimit, block, reserve
from sync_assets.ledger.results import Result, ResultStatus, record_result
from sync_assets.server.app import create_app
from sync_assets.telegram.outbox import begin, confirm, lose
from sync_assets_tests.telegram.works import queue_work, write_pages

WEBHOOK = "/api/v1/webhook/generic"


def samples(text: str, parse=text_string_to_metric_families) -> Mapping:
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def test_the_ledger_is_shown(client, ingest, ledger):
    client.post(f"{WEBHOOK}?source=radarr", headers=ingest, json={})
    reserve(ledger, RateLimit("bangumi:alice", permits=1, period_seconds=1))
    block(ledger, "bangumi:alice", 1_000)
    with ledger.write() as connection:
        record_result(
            connection,
            Result("strm", "films", ResultStatus.DEGRADED, added=1, skipped=2, failed=3),
        )
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = samples(answer.text)
    assert found["sync_ledger_up",] == 1
    assert found["sync_inbox_events", "generic:radarr", "received"] == 1
    assert found["sync_events_total",] == 3
    assert found["sync_last_result_status", "degraded", "films", "strm"] == 1
    assert found["sync_last_result_status", "films", "ok", "strm"] == 0
    assert found["sync_last_result_items", "failed", "films", "strm"] == 3
    assert found["sync_last_result_timestamp_seconds", "films", "strm"] > 1_700_000_000
    assert found["sync_rate_budget_used_total", "bangumi:alice"] == 1
    assert 900 < found["sync_rate_budget_blocked_seconds", "bangumi:alice"] <= 1_000
    assert found["sync_inbox_batch_size_count",] == 1


def test_telegram_posts_are_shown(client, ledger, tmp_path):
    queue_work(ledger, write_pages(tmp_path, "5", 3))
    with ledger.write() as connection:
        begin(connection, [1, 2], run_id=None)
        confirm(connection, 1, 77, run_id=None)
        lose(connection, [2], "cut", run_id=None)
    found = samples(client.get("/metrics").text)
    names = ("queue", "sent", "unknown", "failed", "retries", "rate_limited")
    values = [found[f"tg_{name}", "alice"] for name in names]
    assert values == [1, 1, 1, 0, 0, 0]
    assert found["tg_last_sent", "alice"] > 1_700_000_000


def test_requests_are_counted_by_template_and_not_by_path(client, ingest):
    client.post(f"{WEBHOOK}?source=a", headers=ingest, json={})
    client.post(f"{WEBHOOK}?source=b", headers=ingest, json={})
    for name in ("one", "two", "three"):
        client.get(f"/{name}")
    client.request("BREW", "/health")
    found = samples(client.get("/metrics").text)
    assert found["sync_http_requests_total", WEBHOOK, "200", "POST"] == 2
    assert found["sync_http_requests_total", "404", "GET", "unmatched"] == 3
    assert found["sync_http_requests_total", "/health", "405", "other"] == 1
    assert found["sync_http_request_duration_seconds_count", WEBHOOK, "POST"] == 2


def test_openmetrics_is_served_to_who_asks_for_it(client):
    accept = "application/openmetrics-text; version=1.0.0"
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert samples(answer.text, parse_openmetrics)["sync_ledger_up",] == 1


def test_two_apps_in_one_process_do_not_count_together(client, settings):
    client.get("/health")
    other = create_app(settings)
    assert "sync_http" in client.get("/metrics").text
    assert other.state is not client.app.state
