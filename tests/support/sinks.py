"""A delivery handler that records deliveries and lets a test wait for them."""

import asyncio
from collections.abc import Callable

from wxbus.bus.ports import Delivery


class CollectingSink:
    """Records deliveries in order."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.losses: list[int] = []
        self.drained: list[int] = []
        self.finished = asyncio.Event()
        """Set when running work has ended; clear it to make `drain` wait."""
        self.finished.set()
        self._changed = asyncio.Condition()
        self._notes: set[asyncio.Task[None]] = set()

    def deliver(self, delivery: Delivery) -> None:
        """Record the delivery."""
        self.deliveries.append(delivery)
        self._note()

    def lost(self, partition: int) -> None:
        """Record the loss."""
        self.losses.append(partition)
        self._note()

    async def drain(self, partition: int) -> None:
        """Wait for `finished`."""
        self.drained.append(partition)
        self._note()
        await self.finished.wait()

    async def until(self, fulfilled: Callable[[], bool]) -> None:
        """Return once `fulfilled` is true; every event here checks it again."""
        async with self._changed:
            await self._changed.wait_for(fulfilled)

    async def until_delivered(self, count: int) -> list[Delivery]:
        """Return the first `count` deliveries once they have arrived."""
        await self.until(lambda: len(self.deliveries) >= count)
        return self.deliveries[:count]

    async def until_lost(self) -> None:
        """Return once a partition was lost."""
        await self.until(lambda: bool(self.losses))

    async def until_draining(self) -> None:
        """Return once a partition is being drained."""
        await self.until(lambda: bool(self.drained))

    def bodies(self) -> list[int]:
        """Return the numbers of all deliveries so far."""
        return [int(delivery.envelope().body) for delivery in self.deliveries]

    def _note(self) -> None:
        note = asyncio.get_running_loop().create_task(self._notify())
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
