"""The consumer of one partition."""

import asyncio
from types import SimpleNamespace
from typing import Any

import structlog

from tests.support.sinks import CollectingSink
from wxbus.bus.partition_consumer import PartitionConsumer


async def test_messages_that_arrive_while_the_channel_closes_are_not_delivered() -> None:
    """They return to the queue with the channel, and the partition is not logged as delivering."""
    closed = asyncio.Event()

    async def close() -> None:
        closed.set()

    channel: Any = SimpleNamespace(close=close)
    consumer = PartitionConsumer(3, channel, CollectingSink())
    await consumer.give_up()
    with structlog.testing.capture_logs() as logged:
        consumer._deliver(1, False, b"\x00\x00", b"{}")

    assert closed.is_set()
    assert consumer.delivering_since is None
    assert logged == []
