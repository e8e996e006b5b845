"""An in-memory publisher with switchable failures."""

import asyncio
from dataclasses import dataclass, field

from wxbus.bus.envelope import Envelope
from wxbus.errors import BrokerUnavailable
from wxbus.testing import MemoryPublisher


@dataclass
class FakeBroker(MemoryPublisher):
    """Records envelopes. When away it is not connected; when frozen it records them and confirms nothing."""

    arrived: list[Envelope] = field(default_factory=list)
    """All received envelopes, confirmed or not, with duplicates."""
    asked: int = 0
    """Number of publish calls."""

    def __post_init__(self) -> None:
        self._connected, self._confirming, self._changed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._waiting: set[asyncio.Timeout] = set()
        self.back()

    def away(self) -> None:
        """Disconnect: publishing fails."""
        self._connected.clear()

    def freeze(self) -> None:
        """Accept envelopes without confirming them."""
        self._confirming.clear()

    def back(self) -> None:
        """Connect again, and confirm."""
        self._connected.set()
        self._confirming.set()

    def expire(self) -> None:
        """End the budgets of the publish calls in progress."""
        for timeout in self._waiting:
            timeout.reschedule(0)

    async def publish(self, envelope: Envelope, *, budget: float) -> None:
        """Publish as the current state allows."""
        self.asked += 1
        timeout = asyncio.timeout(budget)
        self._waiting.add(timeout)
        try:
            async with timeout:
                await self._connected.wait()
                self.arrived.append(envelope)
                self._changed.set()
                await asyncio.sleep(0)
                await self._confirming.wait()
        except TimeoutError as exc:
            raise BrokerUnavailable("publishing: no answer in time") from exc
        finally:
            self._waiting.discard(timeout)

    async def until_usable(self) -> None:
        """Return once it is connected."""
        await self._connected.wait()

    async def check(self) -> None:
        """Return if it is connected."""
        if not self._connected.is_set():
            raise BrokerUnavailable("RabbitMQ: not connected")

    async def until_arrived(self, count: int) -> None:
        """Return once `count` different envelopes were received."""
        while len(self.first_copies()) < count:
            self._changed.clear()
            await self._changed.wait()

    def first_copies(self) -> list[Envelope]:
        """Return the received envelopes without duplicates."""
        return list({envelope.id: envelope for envelope in reversed(self.arrived)}.values())[::-1]
