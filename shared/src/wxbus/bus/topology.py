"""Names and settings of exchanges, queues and bindings.

Queue type and single active consumer are arguments, because they cannot change after the declaration. Limits and
dead-letter targets are arguments by default (decision 0003); with `limits_by="policy"` the operator sets them as
policies, which apply to existing queues.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from zlib import crc32

Arguments: TypeAlias = Mapping[str, str | int | bool]

DELIVERY_LIMIT = 1_000
"""A last resort: each lost connection counts for all prefetched messages. It must never be -1 or absent."""

DEAD_DELIVERY_LIMIT = 1_000_000
"""Each read of a dead letter counts as a delivery. Without a limit RabbitMQ 4 drops it at the twentieth read."""

RETRY_DELAYS: Mapping[str, int] = {"1s": 1, "5s": 5, "30s": 30, "2m": 120, "10m": 600, "1h": 3600}
"""Name and seconds of each delay. Each has a queue: in a shared one messages wait behind longer delays."""

WAKEUP = "wakeup"
WAKEUP_DELAY = 15
"""Seconds between two deliveries of a wake-up note (`EnvelopeKind.LANE_OVERFLOWS`). It has a retry queue of its own."""

_DELAYS = {**RETRY_DELAYS, WAKEUP: WAKEUP_DELAY}

RPC_LONGEST = 60
"""Longest time in seconds that a request waits in its queue."""
RPC_BACKLOG = 10_000
"""Longest queue of a service; the oldest requests are dropped beyond it."""
RPC_UNUSED = 3_600
"""Seconds after which an unused queue of a service is deleted."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange."""

    name: str
    type: Literal["direct", "fanout"]


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable queue."""

    name: str
    arguments: Arguments = field(hash=False)


@dataclass(frozen=True, slots=True)
class Binding:
    """Routes messages of `exchange` with `routing_key` to `queue`."""

    exchange: Exchange
    queue: Queue
    routing_key: str


@dataclass(frozen=True, slots=True)
class Topology:
    """Exchanges and queues of one installation."""

    namespace: str = "wxbus"
    partitions: int = 16
    limits_by: Literal["argument", "policy"] = "argument"

    def partition_of(self, lane: str) -> int:
        """Return the partition of a lane; it is the same on every machine and in every release."""
        return crc32(lane.encode()) % self.partitions

    @property
    def inbox(self) -> Exchange:
        """Exchange of the partitions; the routing key is the number of the partition."""
        return Exchange(f"{self.namespace}.inbox", "direct")

    def inbox_queue(self, partition: int) -> Queue:
        """Return the queue of a partition: one consumer at a time, in order."""
        if not 0 <= partition < self.partitions:
            raise ValueError(f"partition {partition} is outside 0..{self.partitions - 1}")
        fixed: Arguments = {"x-queue-type": "quorum", "x-single-active-consumer": True}
        limits: Arguments = {
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": self.dead.name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",  # without it at-least-once is silently at-most-once
        }
        return Queue(f"{self.inbox.name}.{partition:02d}", self._arguments(fixed, limits))

    def retry(self, delay: str) -> Exchange:
        """Return the exchange for a delay of `RETRY_DELAYS`, or `WAKEUP`; the routing key is the partition's number."""
        if delay not in _DELAYS:
            raise ValueError(f"no retry delay {delay!r}; there are {', '.join(_DELAYS)}")
        return Exchange(f"{self.namespace}.retry.{delay}", "fanout")

    def retry_queue(self, delay: str) -> Queue:
        """Return the queue of `retry`: after its TTL the envelope returns to the inbox with the same key."""
        limits: Arguments = {
            "x-message-ttl": _DELAYS[delay] * 1000,
            "x-dead-letter-exchange": self.inbox.name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
        return Queue(self.retry(delay).name, self._arguments({"x-queue-type": "quorum"}, limits))

    @property
    def dead(self) -> Exchange:
        """Exchange of the dead letters."""
        return Exchange(f"{self.namespace}.dead", "fanout")

    @property
    def dead_queue(self) -> Queue:
        """Queue of the dead letters, which an operator replays or drops."""
        limits: Arguments = {"x-delivery-limit": DEAD_DELIVERY_LIMIT}
        return Queue(self.dead.name, self._arguments({"x-queue-type": "quorum"}, limits))

    @property
    def marker_queue(self) -> Queue:
        """Queue without messages: if it is missing, RabbitMQ has lost its data."""
        return Queue(f"{self.namespace}.marker", {"x-queue-type": "quorum"})

    @property
    def requests_queue(self) -> Queue:
        """Queue of the requests of other programs, which the default exchange routes to."""
        fixed: Arguments = {"x-queue-type": "quorum", "x-single-active-consumer": True}
        limits: Arguments = {
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": self.dead.name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
        return Queue(f"{self.namespace}.messages", self._arguments(fixed, limits))

    def rpc_queue(self, service: str) -> Queue:
        """Return the request queue of an RPC service, which the default exchange routes to.

        It is a classic queue: requests need no replication, because they are useless after the caller's deadline.
        Old requests and unused queues expire.
        """
        limits: Arguments = {
            "x-message-ttl": RPC_LONGEST * 1000,
            "x-max-length": RPC_BACKLOG,
            "x-expires": RPC_UNUSED * 1000,
        }
        return Queue(f"{self.namespace}.rpc.{service}", self._arguments({"x-queue-type": "classic"}, limits))

    def bindings(self) -> Iterator[Binding]:
        """Yield every binding, and with them all exchanges and queues except those of RPC and the marker."""
        yield Binding(self.dead, self.dead_queue, "")
        for partition in range(self.partitions):
            yield Binding(self.inbox, self.inbox_queue(partition), str(partition))
        for delay in _DELAYS:
            yield Binding(self.retry(delay), self.retry_queue(delay), "")

    def _arguments(self, fixed: Arguments, limits: Arguments) -> Arguments:
        return {**fixed, **limits} if self.limits_by == "argument" else fixed
