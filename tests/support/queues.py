"""Reads or counts the messages of queues."""

import asyncio
from collections.abc import Iterator
from itertools import count

from tests.support.envelopes import an_envelope
from wxbus.bus.amqp.connection import BrokerCall, address, connected, open_channel
from wxbus.bus.consumer import Consumer
from wxbus.bus.envelope import Envelope
from wxbus.bus.ports import Delivery
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import RETRY_DELAYS, WAKEUP, Topology

END = "end of the partition"
TIMEOUT = 30.0
"""Seconds for a connection and the counts of all queues."""


class _Reader:
    """A delivery handler that keeps and acknowledges each delivery."""

    def __init__(self, partitions: int) -> None:
        self.envelopes: list[Envelope] = []
        self.ended = asyncio.Event()
        self._left = set(range(partitions))
        self._acks: set[asyncio.Task[None]] = set()

    def deliver(self, delivery: Delivery) -> None:
        """Keep the delivery."""
        envelope = delivery.envelope()
        if envelope.account == END:
            self._left.discard(delivery.partition)
            if not self._left:
                self.ended.set()
        else:
            self.envelopes.append(envelope)
        ack = asyncio.create_task(delivery.ack())
        self._acks.add(ack)
        ack.add_done_callback(self._acks.discard)

    def lost(self, partition: int) -> None:
        """Continue on the next connection."""

    async def drain(self, partition: int) -> None:  # noqa: ARG002 - as the port has it
        """Wait until the last acknowledgements are sent."""
        await asyncio.gather(*self._acks)


async def read_inbox(url: str, topology: Topology) -> list[Envelope]:
    """Consume and return all messages of the inbox, each partition in order."""
    async with Publisher.open(url, topology, name="end") as publisher:
        for lane in _lane_of_each_partition(topology):
            await publisher.publish(an_envelope(account=END, lane=lane), budget=30)
    reader = _Reader(topology.partitions)
    consumer = Consumer(url, topology, reader, name="reader")
    reading = asyncio.create_task(consumer.run(range(topology.partitions)))
    await reader.ended.wait()
    await consumer.stop()
    await reading
    return reader.envelopes


async def depths(url: str, topology: Topology) -> list[int]:
    """Return the number of messages in each partition of the inbox, without those that a worker has fetched.

    Raises:
        BrokerUnavailable: RabbitMQ does not say.
    """
    return await _counts(url, [topology.inbox_queue(partition).name for partition in range(topology.partitions)])


async def awaiting_retry(url: str, topology: Topology) -> int:
    """Return the number of messages that wait for a retry, and of lanes that may have an overflow."""
    return sum(await _counts(url, [topology.retry_queue(delay).name for delay in (*RETRY_DELAYS, WAKEUP)]))


async def dead(url: str, topology: Topology) -> int:
    """Return the number of dead letters."""
    return sum(await _counts(url, [topology.dead_queue.name]))


async def until_dead(url: str, topology: Topology, count: int) -> None:
    """Return once there are `count` dead letters: RabbitMQ updates the count after it has confirmed a change."""
    while await dead(url, topology) != count:  # noqa: ASYNC110 - RabbitMQ has no event for it
        await asyncio.sleep(0.05)


async def _counts(url: str, queues: list[str]) -> list[int]:
    async with asyncio.timeout(TIMEOUT), connected(address(url, name="count"), timeout=TIMEOUT) as connection:
        with BrokerCall("counting"):
            channel = await open_channel(connection)
            answers = [await channel.queue_declare(name, passive=True) for name in queues]
    return [answer.message_count or 0 for answer in answers]


def _lane_of_each_partition(topology: Topology) -> Iterator[str]:
    wanted = set(range(topology.partitions))
    for number in count():
        if not wanted:
            return
        lane = f"end:{number}"
        if topology.partition_of(lane) in wanted:
            wanted.discard(topology.partition_of(lane))
            yield lane
