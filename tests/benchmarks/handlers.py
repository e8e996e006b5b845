"""The handler that the worker's benchmarks run: one change of the context, one reply."""

import asyncio

from wxbus_worker import Context, Router, TextMessage, reply

RECORDS = 2
"""Requests and responses of a context in `small`."""

router = Router("bench")
small = Router("small", max_record_count=RECORDS)
sleeping = Router("sleeping")


@router.text
@small.text
async def echo(message: TextMessage, context: Context) -> reply.Text:
    """Count and answer."""
    context.storage["count"] = context.storage.get("count", 0) + 1
    return reply.Text(message.content)


@sleeping.text(prefix="sleep ")
async def sleep(message: TextMessage) -> None:
    """Wait as long as the message says, in seconds."""
    await asyncio.sleep(float(message.content.removeprefix("sleep ")))


@sleeping.text
async def answer(message: TextMessage) -> reply.Text:
    """Answer with the same."""
    return reply.Text(message.content)


sockets = Router("sockets")


@sockets.socket("say")
async def say() -> None:
    """Do nothing."""
