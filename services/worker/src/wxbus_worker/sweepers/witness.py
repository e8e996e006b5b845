"""Notices that Redis came back empty, or that RabbitMQ's data were deleted: each keeps a mark that tells of the other.

Redis has a key that says that the marker queue was declared, RabbitMQ has that queue. One without the other means that
the other part lost its data, though every service was restarted since. Losing both looks like a new installation.
"""

import asyncio
from typing import Final, Protocol

from wxbus.aio.background import repeat
from wxbus.bus.ports import PublisherPort
from wxbus.store.generation import RABBITMQ, REDIS, Generation, Losses
from wxbus.store.lock import Lock
from wxbus.store.store import Store

LEASE: Final = 20.0
"""Seconds for one comparison; a connection to RabbitMQ takes at most 5 s."""
LOOK: Final = 1.0
"""Seconds between two looks."""
LOOK_AGAIN: Final = 0.5
"""Seconds until the next look while another worker compares."""


class Queue(Protocol):
    """The marker queue: `wxbus.bus.marker.Marker`."""

    async def exists(self) -> bool:
        """Return whether it exists."""
        ...

    async def declare(self) -> None:
        """Make it exist."""
        ...


class Witness:
    """Compares what Redis and RabbitMQ remember of each other."""

    def __init__(
        self,
        store: Store,
        generation: Generation,
        queue: Queue,
        publisher: PublisherPort,
        losses: Losses,
        *,
        namespace: str,
    ) -> None:
        self._store = store
        self._generation = generation
        self._queue = queue
        self._publisher = publisher
        self._losses = losses
        self._mark = f"{namespace}:rabbitmq"
        self._lock = Lock(store, f"{namespace}:{{witness}}:lock", lease=LEASE)
        self._compared = 0

    async def run(self) -> None:
        """Look again and again until cancelled, whatever is away meanwhile."""
        await repeat(self.check, name="data losses", pause=lambda: LOOK)

    async def check(self) -> None:
        """Compare if there is a reason to: RabbitMQ was away, or the mark in Redis is gone.

        Raises:
            Unavailable: Redis or RabbitMQ does not answer; nothing is decided.
        """
        await self._generation.check()
        connections = self._publisher.connections
        if connections == 0:
            return  # not connected yet
        if connections == self._compared and await self._is_marked():
            return
        await self._compare()
        self._compared = connections

    async def _compare(self) -> None:
        while True:
            async with self._lock.hold() as hold:
                if hold is not None:
                    known = self._compared > 0  # what one of us has seen in both must be in both
                    marked, was_there = await self._is_marked(), await self._queue.exists()
                    # Said before the trace of it is removed: said twice after an outage, rather than never.
                    if not was_there and (marked or known):
                        await self._losses.report(RABBITMQ)
                    if not marked and (was_there or known):
                        await self._losses.report(REDIS)
                    if not was_there:
                        await self._queue.declare()
                    await self._store.command("SET", self._mark, 1)
                    return
            await asyncio.sleep(LOOK_AGAIN)

    async def _is_marked(self) -> bool:
        return bool(await self._store.command("EXISTS", self._mark))
