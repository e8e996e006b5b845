"""Deletes what tests leave on shared servers."""

import aio_pika
from redis.asyncio import Redis

from wxbus.bus.topology import Topology

AT_ONCE = 10_000
"""Keys scanned per call."""


async def delete_queues(amqp_url: str, topology: Topology) -> None:
    """Delete the queues and exchanges of the topology, if they exist."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for binding in topology.bindings():
            await channel.queue_delete(binding.queue.name)
            await channel.exchange_delete(binding.exchange.name)
        await channel.queue_delete(topology.marker_queue.name)


async def delete_keys(redis: "Redis", namespace: str) -> None:
    """Delete every key of the namespace."""
    cursor = 0
    while True:
        cursor, keys = await redis.scan(cursor, match=f"{namespace}:*", count=AT_ONCE)
        if keys:
            await redis.unlink(*keys)
        if cursor == 0:
            return
