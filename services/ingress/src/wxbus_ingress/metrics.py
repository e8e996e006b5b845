"""Metrics of ingress. The label `account` has the names of the accounts file."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from wxbus_ingress.spool.spool import Spool

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.5, 5.0)


class Metrics:
    """Metrics of the public port."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "wxbus_ingress_requests",
            "Requests by account (empty: unknown) and outcome: accepted, verified, page, rejected, unavailable, failed",
            ["account", "outcome"],
            registry=registry,
        )
        self.passive_replies = Counter(
            "wxbus_ingress_passive_replies",
            "Callbacks that waited for a worker, by account and outcome: replied, empty (the handler has no reply), "
            "timeout, retry (left to WeChat's next attempt), disconnected (WeChat closed the connection)",
            ["account", "outcome"],
            registry=registry,
        )
        self.accept_duration = Histogram(
            "wxbus_ingress_accept_duration_seconds",
            "Time from the first byte of a callback until it is on disk",
            buckets=BUCKETS,
            registry=registry,
        )
        self.connections = Gauge("wxbus_ingress_connections", "Open connections", registry=registry)
        self.connections_refused = Counter(
            "wxbus_ingress_connections_refused", "Connections refused above the limit", registry=registry
        )
        self.body_bytes = Gauge(
            "wxbus_ingress_body_bytes", "Bytes of the bodies of unanswered requests", registry=registry
        )


class SpoolMetrics:
    """Metrics of the spools of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.active = Gauge(
            "wxbus_ingress_spool_active", "1 while callbacks go to the spool, 0 while to RabbitMQ", registry=registry
        )
        self.added = Counter("wxbus_ingress_spool_added", "Callbacks stored in the spool", registry=registry)
        self.drained = Counter(
            "wxbus_ingress_spool_drained", "Callbacks of the spool that RabbitMQ confirmed", registry=registry
        )
        self.refused = Counter(
            "wxbus_ingress_spool_refused", "Callbacks refused by both RabbitMQ and the spool", registry=registry
        )
        self.overflow = Gauge(
            "wxbus_ingress_spool_overflow_callbacks", "Callbacks in memory that wait for the spool", registry=registry
        )
        self._rows = Gauge("wxbus_ingress_spool_callbacks", "Callbacks in the spool", registry=registry)
        self._bytes = Gauge("wxbus_ingress_spool_bytes", "Bytes of the callbacks in the spool", registry=registry)
        self._oldest_age = Gauge(
            "wxbus_ingress_spool_oldest_age_seconds", "Age of the oldest callback in the spool", registry=registry
        )
        self._unreadable = Gauge(
            "wxbus_ingress_spool_unreadable_callbacks",
            "Callbacks in the spool that this release cannot read",
            registry=registry,
        )

    def observe(self, spool: Spool) -> None:
        """Export size and age of `spool`."""
        self._rows.set_function(lambda: spool.rows)
        self._bytes.set_function(lambda: spool.bytes)
        self._oldest_age.set_function(lambda: spool.oldest_age)
        self._unreadable.set_function(lambda: spool.unreadable)
