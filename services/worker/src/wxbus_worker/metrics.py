"""What the worker counts."""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from wxbus_worker.delivery.lanes import Lanes
from wxbus_worker.delivery.settlement import Abandon, Done, Retry, Settlement, ToDeadLetters
from wxbus_worker.partitions.assignment import Role
from wxbus_worker.partitions.rebalancer import Rebalancer


class WorkerMetrics:
    """The worker's figures, in a registry of the caller's."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.settled = Counter("wxbus_worker_settled", "Deliveries by how they ended", ["outcome"], registry=registry)
        self.seconds = Histogram(
            "wxbus_worker_handling_seconds",
            "From the start of a delivery's handling to its settlement",
            registry=registry,
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )
        self.duplicates = Counter(
            "wxbus_worker_duplicates", "Deliveries of messages committed before", registry=registry
        )
        self.conflicts = Counter(
            "wxbus_worker_conflicts", "Commits refused because the lane had changed", registry=registry
        )
        self.unhandled = Counter("wxbus_worker_unhandled", "Messages that no handler wanted", registry=registry)
        self.passive = Counter(
            "wxbus_worker_passive_replies",
            "Messages whose reply waited for WeChat to get it: taken, late (then it goes by customer service), refused "
            "(WeChat takes it neither way)",
            ["outcome"],
            registry=registry,
        )
        self.undelivered = Counter(
            "wxbus_worker_replies_undelivered",
            "Replies that did not reach their user, by WeChat's errcode, or unsendable (no message of WeChat's can "
            "carry it), wecom_late (WeCom no longer waits for it), given_up (WeChat stayed away)",
            ["reason"],
            registry=registry,
        )
        self.running = Gauge("wxbus_worker_running", "Messages being worked on", registry=registry)
        self.waiting = Gauge("wxbus_worker_waiting", "Messages waiting for their turn", registry=registry)
        self.partitions = Gauge(
            "wxbus_worker_partitions", "Partitions subscribed to, by our place", ["place"], registry=registry
        )
        self.delivering = Gauge(
            "wxbus_worker_partitions_delivering", "Partitions that RabbitMQ delivers to us", registry=registry
        )

    def watch(self, lanes: Lanes) -> None:
        """Show what runs and waits in `lanes` just now."""
        self.running.set_function(lambda: lanes.running)
        self.waiting.set_function(lambda: lanes.waiting)

    def watch_partitions(self, ownership: Rebalancer) -> None:
        """Show the share of the partitions."""
        for place in Role:
            self.partitions.labels(place.name.lower()).set_function(partial(ownership.count, place))
        self.delivering.set_function(ownership.delivering)

    def ended(self, settlement: Settlement, seconds: float) -> None:
        """Count one delivery."""
        self.settled.labels(_OUTCOME[type(settlement)]).inc()
        self.seconds.observe(seconds)


_OUTCOME: dict[type[Settlement], str] = {Done: "done", Retry: "parked", ToDeadLetters: "buried", Abandon: "abandoned"}
