"""`/metrics` for Prometheus: what the server measured, and what the ledger says now."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy import Connection
from starlette.responses import Response

from sync_assets.ledger import LedgerUnavailableError
from sync_assets.ledger.events import last_event_id
from sync_assets.ledger.inbox import count_by_state
from sync_assets.ledger.rate_budgets import BudgetUse, read_budgets
from sync_assets.ledger.results import Result, ResultStatus, read_results
from sync_assets.server.context import context_of
from sync_assets.telegram.counting import Counts, count_posts

router = APIRouter(tags=["operations"])


@dataclass(frozen=True)
class _Snapshot:
    inbox: Mapping[tuple[str, str], int]
    events: int
    results: Sequence[Result]
    budgets: Sequence[BudgetUse]
    posts: Mapping[str, Counts]


class _LedgerCollector(Collector):
    def __init__(self, snapshot: _Snapshot | None, streams: int) -> None:
        self._snapshot = snapshot
        self._streams = streams

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "sync_ledger_up",
            "1 where the ledger can be read.",
            value=int(self._snapshot is not None),
        )
        yield GaugeMetricFamily(
            "sync_event_streams", "Open streams of /api/events and /ws.", value=self._streams
        )
        if self._snapshot is not None:
            yield _inbox_metric(self._snapshot.inbox)
            yield CounterMetricFamily(
                "sync_events", "Rows of the ledger's history.", value=self._snapshot.events
            )
            yield from _result_metrics(self._snapshot.results)
            yield from _budget_metrics(self._snapshot.budgets)
            yield from _post_metrics(self._snapshot.posts)


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Everything that can be measured, in Prometheus' text format or OpenMetrics."""
    context = context_of(request)
    try:
        snapshot = await context.reader.read(_read_snapshot)
    except LedgerUnavailableError:
        # The server's own numbers matter most when the ledger is in trouble.
        snapshot = None
    registry = CollectorRegistry()
    registry.register(_LedgerCollector(snapshot, context.feed.streams))
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    registry.register(context.measurements.registry)
    return Response(encode(registry), headers={"Content-Type": content_type})


def _read_snapshot(connection: Connection) -> _Snapshot:
    return _Snapshot(
        count_by_state(connection),
        last_event_id(connection),
        read_results(connection),
        read_budgets(connection),
        count_posts(connection),
    )


def _inbox_metric(counts: Mapping[tuple[str, str], int]) -> Metric:
    metric = GaugeMetricFamily(
        "sync_inbox_events", "Webhook events by source and state.", labels=("source", "state")
    )
    for (source, state), count in counts.items():
        metric.add_metric((source, state), count)
    return metric


def _result_metrics(results: Sequence[Result]) -> Iterable[Metric]:
    labels = ("domain", "partition")
    state = GaugeMetricFamily(
        "sync_last_result_status",
        "1 for the status of the last result, 0 for the others.",
        labels=(*labels, "status"),
    )
    finished = GaugeMetricFamily(
        "sync_last_result_timestamp_seconds", "When the last result came.", labels=labels
    )
    items = GaugeMetricFamily(
        "sync_last_result_items",
        "Items of the last result by outcome: added, skipped, failed.",
        labels=(*labels, "outcome"),
    )
    for result in results:
        key = (result.domain, result.partition)
        for status in ResultStatus:
            state.add_metric((*key, status), int(result.status is status))
        finished.add_metric(key, result.finished_at.timestamp())
        items.add_metric((*key, "added"), result.added)
        items.add_metric((*key, "skipped"), result.skipped)
        items.add_metric((*key, "failed"), result.failed)
    return state, finished, items


def _budget_metrics(budgets: Sequence[BudgetUse]) -> Iterable[Metric]:
    used = CounterMetricFamily(
        "sync_rate_budget_used", "Requests reserved from a rate budget.", labels=("budget",)
    )
    blocked = GaugeMetricFamily(
        "sync_rate_budget_blocked_seconds",
        "How long the upstream still refuses requests of this budget.",
        labels=("budget",),
    )
    now = time.time()
    for budget in budgets:
        used.add_metric((budget.name,), budget.used)
        blocked.add_metric((budget.name,), max(0.0, budget.blocked_until - now))
    return used, blocked


def _post_metrics(posts: Mapping[str, Counts]) -> Iterable[Metric]:
    descriptions = {
        "tg_queue": "Telegram posts that wait or are being sent.",
        "tg_sent": "Telegram posts that are confirmed.",
        "tg_failed": "Telegram posts that were given up.",
        "tg_unknown": "Telegram posts whose answer was lost.",
        "tg_retries": "Attempts after a Telegram post's first.",
        "tg_rate_limited": "Telegram posts put off because they came too fast.",
        "tg_last_sent": "When Telegram last confirmed a post, in seconds since the epoch.",
    }
    metrics = {
        name: GaugeMetricFamily(name, text, labels=("partition",))
        for name, text in descriptions.items()
    }
    for partition, counts in posts.items():
        for name, value in counts.numbers().items():
            metrics[name].add_metric((partition,), value)
        if counts.last_sent is not None:
            metrics["tg_last_sent"].add_metric((partition,), counts.last_sent.timestamp())
    return metrics.values()
