"""In-memory bus for unit tests; `tests/contract/bus` tests it together with the real one."""

import time
from dataclasses import dataclass, field

from wxbus.bus.envelope import Envelope
from wxbus.bus.passive_answer import PassiveAnswer
from wxbus.bus.ports import Death, Delivery
from wxbus.bus.received import Received
from wxbus.bus.topology import RETRY_DELAYS, WAKEUP
from wxbus.bus.wire import encode_properties
from wxbus.errors import BrokerUnavailable, UnreadableEnvelope


@dataclass
class MemoryDelivery:
    """A delivery that records its acknowledgement; without an envelope it is unreadable."""

    content: Envelope | None
    partition: int = 0
    redelivered: bool = False
    acked: bool = False
    lost: bool = False
    """Set it to simulate a lost channel: `ack` raises BrokerUnavailable."""
    arrived: float = field(default_factory=time.monotonic)

    @property
    def lane(self) -> str:
        """Return the envelope's lane; an unreadable delivery has a lane of its own."""
        return self.content.lane if self.content else f"unreadable:{self.partition}:{id(self)}"

    def envelope(self) -> Envelope:
        """Return the envelope, or raise UnreadableEnvelope."""
        if self.content is None:
            raise UnreadableEnvelope("type is missing")
        return self.content

    @property
    def key(self) -> str:
        """Return the envelope's id and attempt."""
        return f"{self.content.id}:{self.content.attempt}" if self.content else self.lane

    @property
    def size(self) -> int:
        """Return the bytes of the body."""
        return len(self.content.body) if self.content else 0

    def pack(self) -> bytes:
        """Return the message as RabbitMQ would deliver it."""
        content = self.content
        properties = b"\x00\x00" if content is None else encode_properties(content)
        return Received(properties, content.body if content else b"").pack(time.monotonic() - self.arrived)

    async def ack(self) -> None:
        """Record it, or raise BrokerUnavailable if the channel is lost."""
        if self.acked:
            raise RuntimeError("the delivery is acknowledged twice")
        if self.lost:
            raise BrokerUnavailable("acknowledging: the channel is lost")
        self.acked = True


@dataclass
class MemoryPublisher:
    """A publisher that collects envelopes in lists."""

    published: list[Envelope] = field(default_factory=list)
    retries: list[tuple[Envelope, str]] = field(default_factory=list)
    """Envelope and name of the delay."""
    dead_letters: list[tuple[Delivery, Death]] = field(default_factory=list)
    answered: list[tuple[Envelope, PassiveAnswer]] = field(default_factory=list)
    unavailable: bool = False
    """Set it to simulate an unavailable broker: every call raises BrokerUnavailable."""
    connections: int = 1
    """Increase it to simulate a reconnect."""
    probed: int = 0
    """Number of probes."""

    async def publish(self, envelope: Envelope, *, budget: float) -> None:
        """Append it to `published`."""
        self._arrive(budget)
        self.published.append(envelope)

    async def schedule_retry(self, envelope: Envelope, *, delay: str, budget: float) -> None:
        """Append it to `retries`."""
        if delay not in {*RETRY_DELAYS, WAKEUP}:
            raise ValueError(f"no retry delay {delay!r}; there are {', '.join(RETRY_DELAYS)}, {WAKEUP}")
        self._arrive(budget)
        self.retries.append((envelope, delay))

    async def dead_letter(self, delivery: Delivery, death: Death, *, budget: float) -> None:
        """Append it to `dead_letters`."""
        self._arrive(budget)
        self.dead_letters.append((delivery, death))

    async def answer(self, envelope: Envelope, answer: PassiveAnswer, *, budget: float) -> None:
        """Append it to `answered`."""
        if envelope.reply_to is None:
            raise ValueError("the envelope has no reply_to")
        self._arrive(budget)
        self.answered.append((envelope, answer))

    async def check(self) -> None:
        """Return, or raise BrokerUnavailable while `unavailable` is set."""
        self._arrive(1)

    async def probe(self, *, budget: float) -> None:
        """Count it."""
        self._arrive(budget)
        self.probed += 1

    async def until_usable(self) -> None:
        """Return at once."""

    def _arrive(self, budget: float) -> None:
        if self.unavailable or budget <= 0:
            raise BrokerUnavailable("publishing: no answer in time")
