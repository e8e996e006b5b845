"""What the bus offers to a service, without its broker client: adapters and fakes obey the same contract test."""

from dataclasses import dataclass
from typing import Protocol

from wxbus.bus.envelope import Envelope
from wxbus.bus.passive_answer import PassiveAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """Why an envelope went to the dead letters; travels there as headers."""

    reason: str
    """`reject`, `attempts`, `unreadable`, `poison`: what made us give up."""
    error: str
    """One line: type and text of the last error."""
    traceback: str = ""
    attempts: int
    died_at: float
    """Seconds since the epoch."""
    committed: str | None = None
    """What the worker remembers the message by, if its changes were committed before it died; see `Envelope`."""


class Delivery(Protocol):
    """One envelope handed to us, ours until it is acknowledged or its channel is lost."""

    @property
    def partition(self) -> int:
        """Return the inbox partition it came from."""
        ...

    @property
    def lane(self) -> str:
        """Return its lane; an unreadable envelope has one of its own."""
        ...

    @property
    def arrived(self) -> float:
        """Return `time.monotonic()` of when it came to us."""
        ...

    @property
    def redelivered(self) -> bool:
        """Whether it was handed to somebody before: that one may have done all of it but the acknowledgement."""
        ...

    def envelope(self) -> Envelope:
        """Return the envelope, or raise UnreadableEnvelope."""
        ...

    async def ack(self) -> None:
        """Tell RabbitMQ that it is done.

        Raises:
            BrokerUnavailable: The channel is lost; it will be delivered again.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionSubscription:
    """What a subscription to a partition has come to; RabbitMQ never says which of several it delivers to."""

    standby: bool
    """It was made to wait for another one's end."""
    delivering: float | None
    """Seconds since the first delivery, which only one subscription gets; None: nothing came yet."""


class DeliveryHandler(Protocol):
    """Who takes deliveries: the worker's lanes."""

    def deliver(self, delivery: Delivery) -> None:
        """Take it, without waiting: called in the order of the queue."""
        ...

    def lost(self, partition: int) -> None:
        """The channel is gone: start nothing more of this partition, its deliveries belong to another."""
        ...

    async def drain(self, partition: int) -> None:
        """Start nothing more of this partition; return when what runs has ended."""
        ...


class Inbox(Protocol):
    """Where callbacks are handed over. A call returns when the envelope is on disk.

    Raises:
        Unavailable: It is not known to be on disk within `budget` seconds; it may have arrived all the same.
    """

    async def publish(self, envelope: Envelope, *, budget: float) -> None:
        """Put it into the partition of its lane."""
        ...


class PublisherPort(Inbox, Protocol):
    """Where envelopes are sent. Each call returns when RabbitMQ has the envelope on disk.

    Raises:
        BrokerUnavailable: No confirm within `budget` seconds; it may have arrived all the same.
    """

    async def schedule_retry(self, envelope: Envelope, *, delay: str, budget: float) -> None:
        """Put it into its lane again after a delay of `wxbus.bus.topology.RETRY_DELAYS`; count the attempt before."""
        ...

    async def dead_letter(self, delivery: Delivery, death: Death, *, budget: float) -> None:
        """Copy it as it came, readable or not, to the dead letters."""
        ...

    async def answer(self, envelope: Envelope, answer: PassiveAnswer, *, budget: float) -> None:
        """Answer whoever waits for it at the envelope's `reply_to`; at most once, they may be gone or not hear it."""
        ...


class PassiveAnswerHandler(Protocol):
    """Who takes the answers to what was published with `reply_to=REPLY_TO`."""

    def answered(self, correlation_id: str, answer: PassiveAnswer) -> None:
        """Take an answer, without waiting; nobody may wait for it any more."""
        ...

    def lost(self) -> None:
        """The channel is gone: what was not answered until now never will be."""
        ...
