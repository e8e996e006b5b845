"""Detects that Redis or RabbitMQ lost its data: each of them stores a marker of the other.

Redis has a key that says that the marker queue is declared, and RabbitMQ has that queue. One without the other means
that a server lost its data, even if all services were restarted since. Losing both looks like a new installation.
"""

import asyncio
from typing import Final, Protocol

from wxbus.aio.background import repeat
from wxbus.aio.ticks import until_tick
from wxbus.bus.ports import PublisherPort
from wxbus.store.generation import RABBITMQ, REDIS, Generation, Losses
from wxbus.store.lock import Lock
from wxbus.store.store import Store

LEASE: Final = 20.0
"""Seconds for one comparison; a connection to RabbitMQ takes at most 5 s."""
CHECK_INTERVAL: Final = 1.0
"""Seconds."""
LOCK_INTERVAL: Final = 0.5
"""Seconds before the next attempt to get the lock, while another worker compares."""


class MarkerQueue(Protocol):
    """RabbitMQ's marker: `wxbus.bus.marker.Marker`."""

    async def exists(self) -> bool:
        """Return whether the queue exists."""
        ...

    async def declare(self) -> None:
        """Declare the queue."""
        ...


class DataLossDetector:
    """Compares the markers after each reconnect."""

    def __init__(
        self,
        store: Store,
        generation: Generation,
        queue: MarkerQueue,
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
        self._marker = f"{namespace}:rabbitmq"
        self._lock = Lock(store, f"{namespace}:{{data_loss}}:lock", lease=LEASE)
        self._compared = 0
        """The connection to RabbitMQ for which the markers were compared."""

    async def run(self) -> None:
        """Check until cancelled."""
        await repeat(self.check, name="data losses", pause=lambda: until_tick(CHECK_INTERVAL))

    async def check(self) -> None:
        """Compare the markers if RabbitMQ was unavailable or Redis's marker is gone.

        Raises:
            Unavailable: Redis or RabbitMQ does not answer; nothing is decided.
        """
        await self._generation.check()
        connections = self._publisher.connections
        if connections == 0:
            return  # not connected yet
        if connections == self._compared and await self._has_marker():
            return
        await self._compare()
        self._compared = connections

    async def _compare(self) -> None:
        while True:
            async with self._lock.hold() as hold:
                if hold is not None:
                    compared_before = self._compared > 0  # then both markers existed
                    in_redis, in_rabbitmq = await self._has_marker(), await self._queue.exists()
                    # Reported before the markers are restored: twice after an outage rather than never.
                    if not in_rabbitmq and (in_redis or compared_before):
                        await self._losses.report(RABBITMQ)
                    if not in_redis and (in_rabbitmq or compared_before):
                        await self._losses.report(REDIS)
                    if not in_rabbitmq:
                        await self._queue.declare()
                    await self._store.command("SET", self._marker, 1)
                    return
            await asyncio.sleep(LOCK_INTERVAL)

    async def _has_marker(self) -> bool:
        return bool(await self._store.command("EXISTS", self._marker))
