"""Fakes of the bus for unit tests; `tests/contract` holds them to what the real ones do."""

import time
from dataclasses import dataclass, field

from wxbus.bus.envelope import Envelope
from wxbus.bus.passive_answer import PassiveAnswer
from wxbus.bus.ports import Death, Delivery
from wxbus.bus.topology import RETRY_DELAYS
from wxbus.errors import BrokerUnavailable, UnreadableEnvelope


@dataclass
class MemoryDelivery:
    """A delivery that remembers whether it was acknowledged; without an envelope it is unreadable."""

    content: Envelope | None
    partition: int = 0
    redelivered: bool = False
    acked: bool = False
    lost: bool = False
    """Set it to lose the channel: what is not acknowledged yet can no longer be."""
    arrived: float = field(default_factory=time.monotonic)

    @property
    def lane(self) -> str:
        """Return the envelope's lane, or one of its own."""
        return self.content.lane if self.content else f"unreadable:{self.partition}:{id(self)}"

    def envelope(self) -> Envelope:
        """Return the envelope, or raise UnreadableEnvelope."""
        if self.content is None:
            raise UnreadableEnvelope("type is missing")
        return self.content

    async def ack(self) -> None:
        """Remember it, or raise BrokerUnavailable if the channel is lost."""
        if self.acked:
            raise RuntimeError("the delivery is acknowledged twice")
        if self.lost:
            raise BrokerUnavailable("acknowledging: the channel is lost")
        self.acked = True


@dataclass
class MemoryPublisher:
    """An outlet that keeps what it is given."""

    published: list[Envelope] = field(default_factory=list)
    retries: list[tuple[Envelope, str]] = field(default_factory=list)
    """Envelope and name of the delay."""
    dead_letters: list[tuple[Delivery, Death]] = field(default_factory=list)
    answered: list[tuple[Envelope, PassiveAnswer]] = field(default_factory=list)
    away: bool = False
    """Set it to take the broker away: every call raises BrokerUnavailable."""
    connections: int = 1
    """Count one up to have lost the connection and got another."""
    probed: int = 0
    """How often the broker was asked whether it confirms."""

    async def publish(self, envelope: Envelope, *, budget: float) -> None:
        """Keep it in `published`."""
        self._arrive(budget)
        self.published.append(envelope)

    async def schedule_retry(self, envelope: Envelope, *, delay: str, budget: float) -> None:
        """Keep it in `retries`."""
        if delay not in RETRY_DELAYS:
            raise ValueError(f"no retry delay {delay!r}; there are {', '.join(RETRY_DELAYS)}")
        self._arrive(budget)
        self.retries.append((envelope, delay))

    async def dead_letter(self, delivery: Delivery, death: Death, *, budget: float) -> None:
        """Keep it in `dead_letters`."""
        self._arrive(budget)
        self.dead_letters.append((delivery, death))

    async def answer(self, envelope: Envelope, answer: PassiveAnswer, *, budget: float) -> None:
        """Keep it in `answered`."""
        if envelope.reply_to is None:
            raise ValueError("nobody waits for an answer to this envelope")
        self._arrive(budget)
        self.answered.append((envelope, answer))

    async def check(self) -> None:
        """Return, or raise BrokerUnavailable while the broker is away."""
        self._arrive(1)

    async def probe(self, *, budget: float) -> None:
        """Count it."""
        self._arrive(budget)
        self.probed += 1

    def _arrive(self, budget: float) -> None:
        if self.away or budget <= 0:
            raise BrokerUnavailable("publishing: no answer in time")
