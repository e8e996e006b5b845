"""A bot that keeps the numbers its users write, in the order in which it handles them, and answers with each."""

import asyncio

from wxbus_worker import Context, Router, TextMessage, reply

WORK = 0.1
"""Seconds of each message: faults find handlers running, and a backlog costs the machine no more than it has, on which
others of our processes must get their turn in time."""

SLOW_WORK = 0.5
"""Seconds of each tenth message of the slow bot: whenever it is told to stop, some still run for a while."""

router = Router("recording")
slow = Router("slow recording")


@router.text
async def record(message: TextMessage, context: Context) -> reply.Text:
    """Keep the number and answer with it."""
    await asyncio.sleep(WORK)
    context.storage.setdefault("numbers", []).append(int(message.content))
    return reply.Text(message.content)


@slow.text
async def record_slowly(message: TextMessage, context: Context) -> reply.Text:
    """Do the same, and sometimes take long."""
    if message.content.endswith("0"):
        await asyncio.sleep(SLOW_WORK)
    return await record(message, context)
