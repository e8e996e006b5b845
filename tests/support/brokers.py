"""A broker in memory that fails as a test wants it."""

import asyncio
from dataclasses import dataclass, field

from wxbus.bus.envelope import Envelope
from wxbus.errors import BrokerUnavailable


@dataclass
class FakeBroker:
    """Takes envelopes while it is there; away it is not connected, frozen it takes them and confirms nothing."""

    arrived: list[Envelope] = field(default_factory=list)
    """What came, confirmed or not, copies too."""
    asked: int = 0
    """How often it was asked to publish."""

    def __post_init__(self) -> None:
        self._connected, self._confirming, self._changed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.back()

    def away(self) -> None:
        """Be away: no publish goes out."""
        self._connected.clear()

    def freeze(self) -> None:
        """Take what comes without a confirm."""
        self._confirming.clear()

    def back(self) -> None:
        """Be there again, and confirm."""
        self._connected.set()
        self._confirming.set()

    async def publish(self, envelope: Envelope, *, budget: float) -> None:
        """Take it as the broker's state allows."""
        self.asked += 1
        try:
            async with asyncio.timeout(budget):
                await self._connected.wait()
                self.arrived.append(envelope)
                self._changed.set()
                await asyncio.sleep(0)
                await self._confirming.wait()
        except TimeoutError as exc:
            raise BrokerUnavailable("publishing: no answer in time") from exc

    async def until_usable(self) -> None:
        """Return once it is there."""
        await self._connected.wait()

    async def check(self) -> None:
        """Return if it is there."""
        if not self._connected.is_set():
            raise BrokerUnavailable("RabbitMQ: not connected")

    async def until_arrived(self, count: int) -> None:
        """Return once so many different envelopes came."""
        while len(self.first_copies()) < count:
            self._changed.clear()
            await self._changed.wait()

    def first_copies(self) -> list[Envelope]:
        """Return what came, without the copies that workers drop."""
        return list({envelope.id: envelope for envelope in reversed(self.arrived)}.values())[::-1]
