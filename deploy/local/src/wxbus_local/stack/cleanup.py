"""Deletes the queues and keys of a namespace from servers that stay."""

import aio_pika
from redis.asyncio import Redis

from wxbus.bus.topology import Topology


async def delete_namespace(amqp_url: str, redis_url: str, topology: Topology) -> None:
    """Delete all queues, exchanges and keys of the topology's namespace."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for binding in topology.bindings():
            await channel.queue_delete(binding.queue.name)
            await channel.exchange_delete(binding.exchange.name)
    async with Redis.from_url(redis_url) as client:
        async for key in client.scan_iter(match=f"{topology.namespace}:*"):
            await client.delete(key)
