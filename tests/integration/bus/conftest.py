"""Publishers and consumers on the topology of the test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.support.proxy import Proxy, proxied
from wxbus.bus.consumer import Consumer
from wxbus.bus.ports import DeliveryHandler
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology

Consuming: TypeAlias = Callable[..., AbstractAsyncContextManager[Consumer]]


@pytest.fixture
async def publisher(amqp_url: str, topology: Topology) -> AsyncIterator[Publisher]:
    """A publisher straight to the broker."""
    async with Publisher.open(amqp_url, topology, name=topology.namespace) as publisher:
        yield publisher


@pytest.fixture
async def through_proxy(amqp_url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy in front of the broker, and the address through it."""
    async with proxied(amqp_url) as both:
        yield both


@pytest.fixture
def consuming(amqp_url: str, topology: Topology) -> Consuming:
    """Run a consumer of partitions 0.. while a block runs; cancelled at its end, unless stopped before."""

    @asynccontextmanager
    async def consume(sink: DeliveryHandler, *, url: str = amqp_url, **options: int) -> AsyncIterator[Consumer]:
        consumer = Consumer(url, topology, sink, name=topology.namespace, **options)
        running = asyncio.create_task(consumer.run(range(topology.partitions)))
        try:
            yield consumer
        finally:
            running.cancel()
            await asyncio.wait([running])

    return consume


@pytest.fixture
async def channel(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    """A channel of an operator, to look at queues and to break things."""
    async with await aio_pika.connect(amqp_url) as connection:
        yield await connection.channel()
