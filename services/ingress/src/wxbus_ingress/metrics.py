"""What ingress counts. Accounts are the only labels that grow, and they stand in a file."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from wxbus_ingress.spool.spool import Spool

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.5, 5.0)


class Metrics:
    """Counters of one application."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "wxbus_ingress_requests",
            "Requests by account (empty: unknown) and outcome: accepted, verified, page, rejected, unavailable, failed",
            ["account", "outcome"],
            registry=registry,
        )
        self.answers = Counter(
            "wxbus_ingress_answers",
            "Callbacks that waited for a worker by account and outcome: answered, nothing (no handler says anything), "
            "late, lapsed (WeChat is to push again), gone (WeChat had closed)",
            ["account", "outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "wxbus_ingress_accepted_seconds",
            "From the start of a callback to RabbitMQ's confirm",
            buckets=BUCKETS,
            registry=registry,
        )
        self.connections = Gauge("wxbus_ingress_connections", "Connections that are served", registry=registry)
        self.connections_refused = Counter(
            "wxbus_ingress_connections_refused", "Connections above the limit: 503, or closed", registry=registry
        )
        self.body_bytes = Gauge(
            "wxbus_ingress_body_bytes", "Bytes of bodies of requests that are not answered yet", registry=registry
        )


class SpoolMetrics:
    """What happens to the spools of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.spooled = Counter(
            "wxbus_ingress_spooled", "Callbacks that went to the spool instead of RabbitMQ", registry=registry
        )
        self.drained = Counter(
            "wxbus_ingress_drained", "Callbacks of the spool that RabbitMQ has confirmed", registry=registry
        )
        self.refused = Counter(
            "wxbus_ingress_spool_refused", "Callbacks that neither RabbitMQ nor the spool took: 503", registry=registry
        )
        self.spooling = Gauge("wxbus_ingress_spooling", "1 while callbacks go to the spool", registry=registry)
        self._rows = Gauge("wxbus_ingress_spool_callbacks", "Callbacks in the spool", registry=registry)
        self._bytes = Gauge("wxbus_ingress_spool_bytes", "Bytes of the callbacks in the spool", registry=registry)
        self._age = Gauge("wxbus_ingress_spool_age_seconds", "Age of the oldest callback", registry=registry)
        self._unreadable = Gauge(
            "wxbus_ingress_spool_unreadable", "Callbacks set aside because they cannot be read", registry=registry
        )

    def watch(self, spool: Spool) -> None:
        """Tell what `spool` holds."""
        self._rows.set_function(lambda: spool.rows)
        self._bytes.set_function(lambda: spool.bytes)
        self._age.set_function(lambda: spool.age)
        self._unreadable.set_function(lambda: spool.unreadable)
