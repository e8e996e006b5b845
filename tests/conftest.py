"""Fixtures that every level of tests shares: real servers, and names of one's own on them."""

import os
import secrets
from collections.abc import AsyncIterator

import aio_pika
import pytest
from redis.asyncio import Redis

from wxbus.bus.topology import Topology


@pytest.fixture(scope="session")
def amqp_url() -> str:
    """Address of a real RabbitMQ."""
    return os.environ["WXBUS_AMQP_URL"]


@pytest.fixture(scope="session")
def redis_url() -> str:
    """Address of a real Redis."""
    return os.environ["WXBUS_REDIS_URL"]


@pytest.fixture
def namespace() -> str:
    """Names of this test's own on the shared servers."""
    return f"t{secrets.token_hex(6)}"


@pytest.fixture
async def topology(amqp_url: str, namespace: str) -> AsyncIterator[Topology]:
    """A small topology of this test's own, deleted afterwards; not declared yet."""
    topology = Topology(namespace=namespace, partitions=4)
    yield topology
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for binding in topology.bindings():
            await channel.queue_delete(binding.queue.name)
            await channel.exchange_delete(binding.exchange.name)


@pytest.fixture
async def redis(redis_url: str, namespace: str) -> AsyncIterator["Redis"]:
    """A plain client to look into Redis with; this test's keys (`{namespace}:*`) are deleted afterwards."""
    client = Redis.from_url(redis_url)
    yield client
    async for key in client.scan_iter(match=f"{namespace}:*"):
        await client.delete(key)
    await client.aclose()
