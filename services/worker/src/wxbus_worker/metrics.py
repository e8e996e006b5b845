"""The worker's Prometheus metrics."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class WorkerMetrics:
    """The metrics of one worker, in the caller's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.deliveries = Counter(
            "wxbus_worker_deliveries",
            "Settled deliveries by outcome: done, retried, dead_lettered, abandoned (the partition was lost)",
            ["outcome"],
            registry=registry,
        )
        self._settled: dict[str, Counter] = {}
        """Of `deliveries`, by outcome."""
        self.duration = Histogram(
            "wxbus_worker_handling_duration_seconds",
            "Time from the start of a delivery's handling to its settlement",
            registry=registry,
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )
        self.duplicates = Counter(
            "wxbus_worker_duplicate_deliveries", "Deliveries of messages committed before", registry=registry
        )
        self.conflicts = Counter(
            "wxbus_worker_commit_conflicts", "Commits refused because the lane had changed", registry=registry
        )
        self.unhandled = Counter(
            "wxbus_worker_unhandled_messages", "Messages that no handler matches", registry=registry
        )
        self.passive = Counter(
            "wxbus_worker_passive_replies",
            "Messages whose reply was pending for ingress, by outcome: delivered, deadline_passed (then it is sent by "
            "customer service), refused (WeChat accepts it neither way)",
            ["outcome"],
            registry=registry,
        )
        self.undelivered = Counter(
            "wxbus_worker_undelivered_replies",
            "Replies that did not reach their user, by WeChat's errcode, or unsendable (no customer-service message "
            "carries it), wecom_late (WeCom no longer waits for it), attempts_exhausted (WeChat stayed unavailable)",
            ["reason"],
            registry=registry,
        )
        self.overflows = Counter(
            "wxbus_worker_lane_overflows",
            "Times the messages of a user exceeded their share, and the rest was moved to the user's overflow in Redis",
            registry=registry,
        )
        self._overflowing = Gauge(
            "wxbus_worker_overflowing_lanes", "Users with messages in their overflow", registry=registry
        )
        self._held_back = Gauge(
            "wxbus_worker_held_back_lanes",
            "Users whose messages stay in RabbitMQ, because the overflow of their partition has no room",
            registry=registry,
        )
        self.fallbacks = Counter(
            "wxbus_worker_fallback_replies",
            "Replies whose fallback was sent in their place, by the reason of `wxbus_worker_undelivered_replies`",
            ["reason"],
            registry=registry,
        )
        self.requests = Counter(
            "wxbus_worker_requests",
            "Requests of other programs in RabbitMQ's queue by outcome: accepted, dead_lettered",
            ["outcome"],
            registry=registry,
        )
        self.broadcast = Counter(
            "wxbus_worker_broadcast_messages",
            "Messages of broadcasts by outcome: sent, refused, repeated (will be tried again)",
            ["outcome"],
            registry=registry,
        )
        self._running = Gauge("wxbus_worker_running_messages", "Messages that are being handled", registry=registry)
        self._waiting = Gauge("wxbus_worker_waiting_messages", "Messages that wait in their lanes", registry=registry)
        self._cached = Gauge(
            "wxbus_worker_cached_contexts", "Contexts that the worker keeps in memory", registry=registry
        )
        self._cached_bytes = Gauge(
            "wxbus_worker_cached_contexts_bytes", "Memory that these contexts take, about", registry=registry
        )
        self._partitions = Gauge(
            "wxbus_worker_partitions", "Subscribed partitions by the worker's role", ["role"], registry=registry
        )
        self._delivering = Gauge(
            "wxbus_worker_partitions_delivering", "Partitions that RabbitMQ delivers to this worker", registry=registry
        )

    def watch_cache(self, *, contexts: Callable[[], int], size: Callable[[], int]) -> None:
        """Read the values from these functions whenever the metrics are read; `size` is in bytes."""
        self._cached.set_function(contexts)
        self._cached_bytes.set_function(size)

    def watch_lanes(
        self,
        *,
        running: Callable[[], int],
        waiting: Callable[[], int],
        overflowing: Callable[[], int],
        held_back: Callable[[], int],
    ) -> None:
        """Read the values from these functions whenever the metrics are read."""
        self._overflowing.set_function(overflowing)
        self._held_back.set_function(held_back)
        self._running.set_function(running)
        self._waiting.set_function(waiting)

    def watch_partitions(self, roles: Mapping[str, Callable[[], int]], *, delivering: Callable[[], int]) -> None:
        """Read partitions by role, and delivering partitions, from these functions whenever the metrics are read."""
        for role, count in roles.items():
            self._partitions.labels(role).set_function(count)
        self._delivering.set_function(delivering)

    def settled(self, outcome: str, seconds: float) -> None:
        """Count one settled delivery."""
        counter = self._settled.get(outcome)
        if counter is None:  # a search by label takes a lock
            counter = self._settled[outcome] = self.deliveries.labels(outcome)
        counter.inc()
        self.duration.observe(seconds)
