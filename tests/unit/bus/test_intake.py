"""What comes through one partition's channel."""

import asyncio
from types import SimpleNamespace
from typing import Any

import structlog

from tests.support.sinks import CollectingSink
from wxbus.bus.intake import PartitionConsumer


async def test_what_comes_after_it_was_given_up_is_nobodys_here() -> None:
    """Messages that were on their way go back with the channel: they are not handed on, nor is the partition ours.

    Seen on a busy machine: a worker logged that it was given a partition which the next one had already.
    """
    closed = asyncio.Event()

    async def close() -> None:
        closed.set()

    channel: Any = SimpleNamespace(close=close)
    message: Any = SimpleNamespace()
    sink = CollectingSink()
    intake = PartitionConsumer(3, channel, sink)
    await intake.give_up()
    with structlog.testing.capture_logs() as logged:
        await intake.on_message(message)
    assert closed.is_set()
    assert intake.delivering_since is None
    assert logged == []
