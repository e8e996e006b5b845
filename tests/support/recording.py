"""A bot that records the numbers of its users in the order of handling, and replies with each."""

import asyncio

from wxbus_worker import Context, Router, TextMessage, reply

WORK = 0.1
"""Seconds per message: long enough for faults to interrupt handlers, short enough for the machine to keep up."""

SLOW_WORK = 0.5
"""Seconds of every tenth message of the slow bot, so that a stop always finds running handlers."""

router = Router("recording")
slow = Router("slow recording")


@router.text
async def record(message: TextMessage, context: Context) -> reply.Text:
    """Record the number and reply with it."""
    await asyncio.sleep(WORK)
    context.storage.setdefault("numbers", []).append(int(message.content))
    return reply.Text(message.content)


@slow.text
async def record_slowly(message: TextMessage, context: Context) -> reply.Text:
    """Do the same; every tenth message takes long."""
    if message.content.endswith("0"):
        await asyncio.sleep(SLOW_WORK)
    return await record(message, context)
