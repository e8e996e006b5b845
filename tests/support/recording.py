"""A bot that records the numbers of its users in the order of handling, and replies with each."""

import asyncio
import os

from wxbus_worker import Context, Router, TextMessage, reply

WORK = 0.1
"""Seconds per message: long enough for faults to interrupt handlers, short enough for the machine to keep up."""

SLOW_WORK = 20.0
"""Seconds per message of the slow bot's slow user, so that a stop always finds a running handler."""
SLOW_BEGINS = "a slow message begins"

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
    """Do the same; messages of the user in the variable `SLOW_USER` take long."""
    if message.from_user == os.environ["SLOW_USER"]:
        print(SLOW_BEGINS, flush=True)
        await asyncio.sleep(SLOW_WORK)
    return await record(message, context)
