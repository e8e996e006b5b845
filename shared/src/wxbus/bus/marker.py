"""A queue that nothing is published to. While it is there, RabbitMQ has the data from before."""

from typing import Final

from aiormq.exceptions import ChannelNotFoundEntity

from wxbus.bus.connection import BrokerCall, address, connected
from wxbus.bus.declare import declare_queue
from wxbus.bus.topology import Topology

ABSENT: Final = "no queue"
"""Part of RabbitMQ's text for a queue that does not exist."""


class Marker:
    """The marker of one installation, on a connection that lasts for one question."""

    def __init__(self, url: str, topology: Topology, *, name: str) -> None:
        self._url = address(url, name=f"{name}:marker")
        self._queue = topology.marker_queue

    async def exists(self) -> bool:
        """Return whether it exists.

        Raises:
            BrokerUnavailable: RabbitMQ does not say.
        """
        async with connected(self._url) as connection:
            with BrokerCall(f"looking for {self._queue.name}"):
                channel = await connection.channel(publisher_confirms=False)
                try:
                    await channel.queue_declare(self._queue.name, passive=True)
                except ChannelNotFoundEntity as exc:
                    if ABSENT not in str(exc):  # it exists, on a node that is down
                        raise
                    return False
            return True

    async def declare(self) -> None:
        """Make it exist, or raise BrokerUnavailable."""
        async with connected(self._url) as connection:
            await declare_queue(connection, self._queue)
