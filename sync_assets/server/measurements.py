"""What the server measures of itself, in a registry of its own.

What the ledger can tell is read when `/metrics` is asked for; see `metrics`.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

UNMATCHED_ROUTE = "unmatched"
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_LATENCY_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Measurements:
    """Counters and histograms of one running app.

    Attributes:
        registry: Holds them; two apps in one process do not share it.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("method", "route")
        self._requests = Counter(
            "sync_http_requests",
            "Answers by method, route template and status.",
            (*labels, "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "sync_http_request_duration_seconds",
            "Time until the answer began, by method and route template.",
            labels,
            buckets=_LATENCY_SECONDS,
            registry=self.registry,
        )
        self._batches = Histogram(
            "sync_inbox_batch_size",
            "Deliveries per committed transaction.",
            buckets=_BATCH_SIZES,
            registry=self.registry,
        )

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer.

        Args:
            method: The request's method.
            route: The template of the route, never the path: paths have no bound.
            status: The answer's status.
            seconds: The time until the answer began.
        """
        known_method = method if method in _METHODS else "other"
        self._requests.labels(known_method, route, status).inc()
        self._seconds.labels(known_method, route).observe(seconds)

    def observe_batch(self, size: int) -> None:
        """Count a committed batch of deliveries.

        Args:
            size: How many it held.
        """
        self._batches.observe(size)
