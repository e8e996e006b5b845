"""Exchanges, queues and bindings as values; nothing else spells their names.

Quorum type and single active consumer can never change after a queue was declared, so they are arguments for ever.
The rest (limits, dead-letter targets) are arguments too, unless `limits_by="policy"`: then the operator sets them as
policies, which apply to live queues.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from zlib import crc32

Arguments: TypeAlias = Mapping[str, str | int | bool]

DELIVERY_LIMIT = 1_000
"""A backstop only: it counts every lost connection for all that a consumer held. Never -1, never absent."""

DEAD_DELIVERY_LIMIT = 1_000_000
"""Looking at a dead letter counts as a delivery. Without a limit RabbitMQ 4 drops it for good at the twentieth look."""

RETRY_DELAYS: Mapping[str, int] = {"1s": 1, "5s": 5, "30s": 30, "2m": 120, "10m": 600, "1h": 3600}
"""Name and seconds of each delay. One queue per delay: in a shared one a message waits behind slower ones."""

RPC_LONGEST = 60
"""Seconds that a request may wait at most, whatever its caller's deadline."""
RPC_BACKLOG = 10_000
"""Requests that wait for a service; beyond it the oldest go, whose callers have waited longest."""
RPC_UNUSED = 3_600
"""Seconds after which the queue of a service that nobody serves is deleted."""


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
    """Sends what `exchange` gets under `routing_key` to `queue`."""

    exchange: Exchange
    queue: Queue
    routing_key: str


@dataclass(frozen=True, slots=True)
class Topology:
    """All names of one installation."""

    namespace: str = "wxbus"
    partitions: int = 16
    limits_by: Literal["argument", "policy"] = "argument"

    def partition_of(self, lane: str) -> int:
        """Return the partition of a lane: the same for all of one user, on every machine and in every release."""
        return crc32(lane.encode()) % self.partitions

    @property
    def inbox(self) -> Exchange:
        """Where envelopes go; the routing key is the partition's number."""
        return Exchange(f"{self.namespace}.inbox", "direct")

    def inbox_queue(self, partition: int) -> Queue:
        """Return the queue of one partition: one consumer at a time, everything in order."""
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
        """Return the exchange that parks for a delay of `RETRY_DELAYS`; publish with the partition as key."""
        if delay not in RETRY_DELAYS:
            raise ValueError(f"no retry delay {delay!r}; there are {', '.join(RETRY_DELAYS)}")
        return Exchange(f"{self.namespace}.retry.{delay}", "fanout")

    def retry_queue(self, delay: str) -> Queue:
        """Return the queue behind `retry`: its TTL sends the envelope back to the inbox under its own key."""
        limits: Arguments = {
            "x-message-ttl": RETRY_DELAYS[delay] * 1000,
            "x-dead-letter-exchange": self.inbox.name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
        return Queue(self.retry(delay).name, self._arguments({"x-queue-type": "quorum"}, limits))

    @property
    def dead(self) -> Exchange:
        """Where an envelope goes that no attempt can save."""
        return Exchange(f"{self.namespace}.dead", "fanout")

    @property
    def dead_queue(self) -> Queue:
        """Dead letters, kept until an operator replays or drops them."""
        limits: Arguments = {"x-delivery-limit": DEAD_DELIVERY_LIMIT}
        return Queue(self.dead.name, self._arguments({"x-queue-type": "quorum"}, limits))

    @property
    def marker_queue(self) -> Queue:
        """Return a queue that stays empty: without it RabbitMQ has lost its data."""
        return Queue(f"{self.namespace}.marker", {"x-queue-type": "quorum"})

    def rpc_queue(self, service: str) -> Queue:
        """Return the queue of the requests to an RPC service; they go there by the default exchange.

        A classic queue, not a quorum one: nothing in it outlives its caller's deadline, so that it need not be on the
        disks of a majority first. What is left behind goes by itself, and so does an unused queue.
        """
        limits: Arguments = {
            "x-message-ttl": RPC_LONGEST * 1000,
            "x-max-length": RPC_BACKLOG,
            "x-expires": RPC_UNUSED * 1000,
        }
        return Queue(f"{self.namespace}.rpc.{service}", self._arguments({"x-queue-type": "classic"}, limits))

    def bindings(self) -> Iterator[Binding]:
        """Yield every binding; declaring these declares all exchanges and queues."""
        yield Binding(self.dead, self.dead_queue, "")
        for partition in range(self.partitions):
            yield Binding(self.inbox, self.inbox_queue(partition), str(partition))
        for delay in RETRY_DELAYS:
            yield Binding(self.retry(delay), self.retry_queue(delay), "")

    def _arguments(self, fixed: Arguments, limits: Arguments) -> Arguments:
        return {**fixed, **limits} if self.limits_by == "argument" else fixed
