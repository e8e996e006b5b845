"""A queue without messages: while it exists, RabbitMQ still has its data."""

from typing import Final

from aiormq.exceptions import ChannelNotFoundEntity

from wxbus.bus.amqp.connection import BrokerCall, address, connected
from wxbus.bus.amqp.declare import declare_queue
from wxbus.bus.topology import Topology

ABSENT: Final = "no queue"
"""Part of RabbitMQ's text for a queue that does not exist."""


class Marker:
    """The marker queue of one installation; each call uses a connection of its own."""

    def __init__(self, url: str, topology: Topology, *, name: str) -> None:
        self._url = address(url, name=f"{name}:marker")
        self._queue = topology.marker_queue

    async def exists(self) -> bool:
        """Return whether the queue exists.

        Raises:
            BrokerUnavailable: RabbitMQ does not answer, or the queue is on a node that is down.
        """
        async with connected(self._url) as connection:
            with BrokerCall(f"looking for {self._queue.name}"):
                channel = await connection.channel(publisher_confirms=False)
                try:
                    await channel.declare_queue(self._queue.name, passive=True)
                except ChannelNotFoundEntity as exc:
                    if ABSENT not in str(exc):  # the queue exists, on a node that is down
                        raise
                    return False
            return True

    async def declare(self) -> None:
        """Declare the queue, or raise BrokerUnavailable."""
        async with connected(self._url) as connection:
            await declare_queue(connection, self._queue)
