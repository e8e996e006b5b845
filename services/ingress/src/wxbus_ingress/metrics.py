"""What ingress counts. Accounts are the only labels that grow, and they stand in a file."""

from prometheus_client import CollectorRegistry, Counter, Histogram

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
        self.seconds = Histogram(
            "wxbus_ingress_accepted_seconds",
            "From the start of a callback to RabbitMQ's confirm",
            buckets=BUCKETS,
            registry=registry,
        )
