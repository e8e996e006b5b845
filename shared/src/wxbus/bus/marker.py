"""A queue that nothing is published to. While it is there, RabbitMQ has the data from before."""

from aiormq.exceptions import ChannelNotFoundEntity

from wxbus.bus.connection import BrokerCall, address, connected
from wxbus.bus.declare import declare_queue
from wxbus.bus.topology import Topology


class Marker:
    """The marker of one installation, on a connection that lasts for one question."""

    def __init__(self, url: str, topology: Topology, *, name: str) -> None:
        self._url = address(url, name=f"{name}:marker")
        self._queue = topology.marker_queue

    async def declare(self) -> bool:
        """Declare it, and return whether it was there before.

        Raises:
            BrokerUnavailable: RabbitMQ does not answer.
        """
        async with connected(self._url) as connection:
            was_there = True
            with BrokerCall(f"looking for {self._queue.name}"):
                channel = await connection.channel(publisher_confirms=False)
                try:
                    await channel.queue_declare(self._queue.name, passive=True)
                except ChannelNotFoundEntity:
                    was_there = False
            await declare_queue(connection, self._queue)
            return was_there
