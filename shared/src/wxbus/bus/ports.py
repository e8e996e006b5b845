"""The bus as services see it: protocols without AMQP; `tests/contract/bus` tests each implementation."""

from dataclasses import dataclass
from typing import Protocol

from wxbus.bus.envelope import Envelope
from wxbus.bus.passive_answer import PassiveAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """Why an envelope was dead-lettered; headers of the dead letter carry it."""

    reason: str
    """`reject`, `attempts`, `unreadable`, `poison` or `undelivered`."""
    error: str
    """One line: type and text of the last error."""
    traceback: str = ""
    attempts: int
    died_at: float
    """Seconds since the epoch."""
    committed: str | None = None
    """The dedup key under which the message was committed before it was dead-lettered; see `Envelope`."""


class Delivery(Protocol):
    """One delivered envelope, not yet acknowledged."""

    @property
    def partition(self) -> int:
        """Return the inbox partition it came from."""
        ...

    @property
    def lane(self) -> str:
        """Return its lane; an unreadable envelope has a lane of its own."""
        ...

    @property
    def arrived(self) -> float:
        """Return the `time.monotonic()` of its arrival."""
        ...

    @property
    def redelivered(self) -> bool:
        """Whether it was delivered before; it may have been processed completely, except for the ack."""
        ...

    @property
    def key(self) -> str:
        """Return the key that all deliveries of one attempt at one message share."""
        ...

    @property
    def size(self) -> int:
        """Return the bytes of the body."""
        ...

    def envelope(self) -> Envelope:
        """Return the envelope, or raise UnreadableEnvelope."""
        ...

    def pack(self) -> bytes:
        """Return the message as bytes, to keep it elsewhere."""
        ...

    async def ack(self) -> None:
        """Acknowledge it.

        Raises:
            BrokerUnavailable: The channel is lost; RabbitMQ will deliver it again.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionSubscription:
    """State of a subscription to a partition; RabbitMQ does not say which of several subscriptions is active."""

    standby: bool
    """It was made as a standby."""
    delivering: float | None
    """Seconds since the first delivery, which only the active subscription gets; None: no delivery yet."""


class DeliveryHandler(Protocol):
    """Receives deliveries: the worker's lanes."""

    def deliver(self, delivery: Delivery) -> None:
        """Accept a delivery without waiting; called in the order of the queue."""
        ...

    def lost(self, partition: int) -> None:
        """Drop the partition: its channel is lost, its deliveries go to another consumer."""
        ...

    async def drain(self, partition: int) -> None:
        """Start no more deliveries of this partition; return when the running ones have ended."""
        ...


class Inbox(Protocol):
    """Accepts envelopes for the workers. Implemented by the publisher and by ingress's publisher with a spool.

    Raises:
        Unavailable: It is unknown whether the envelope was stored within `budget` seconds.
    """

    async def publish(self, envelope: Envelope, *, budget: float) -> None:
        """Publish an envelope to the partition of its lane; returns when it is on disk."""
        ...


class PublisherPort(Inbox, Protocol):
    """Publishes to RabbitMQ. Each call returns when RabbitMQ has confirmed the envelope.

    Raises:
        BrokerUnavailable: No confirm within `budget` seconds; the envelope may have arrived.
    """

    @property
    def connections(self) -> int:
        """Return the number of connections so far; a new one means that RabbitMQ was unavailable."""
        ...

    async def schedule_retry(self, envelope: Envelope, *, delay: str, budget: float) -> None:
        """Publish an envelope to its lane after a delay (`RETRY_DELAYS`, `WAKEUP`); the caller counts the attempt."""
        ...

    async def dead_letter(self, delivery: Delivery, death: Death, *, budget: float) -> None:
        """Publish an unchanged copy, readable or not, to the dead letters."""
        ...

    async def answer(self, envelope: Envelope, answer: PassiveAnswer, *, budget: float) -> None:
        """Send an answer to the envelope's `reply_to`; it is delivered at most once."""
        ...

    async def check(self) -> None:
        """Return if a publish would be sent now, or raise BrokerUnavailable."""
        ...

    async def probe(self, *, budget: float) -> None:
        """Publish a message that is routed to no queue; returns when RabbitMQ has confirmed it."""
        ...

    async def until_usable(self) -> None:
        """Return when a publish would be sent at once."""
        ...


class PassiveAnswerHandler(Protocol):
    """Receives the answers to envelopes published with `reply_to=REPLY_TO`."""

    def answered(self, correlation_id: str, answer: PassiveAnswer) -> None:
        """Accept an answer without waiting; its request may have timed out."""
        ...

    def lost(self) -> None:
        """End waiting: the channel is lost, and open requests will get no answer."""
        ...
