"""A bot that keeps the numbers its users write, in the order in which it handles them, and answers with each."""

import asyncio

from wxbus.wechat import TextMessage, reply
from wxbus_worker import Context, Router

WORK = 0.01
"""Seconds of each message, so that faults find handlers running."""

router = Router("recording")


@router.text
async def record(message: TextMessage, context: Context) -> reply.Text:
    """Keep the number and answer with it."""
    await asyncio.sleep(WORK)
    context.storage.setdefault("numbers", []).append(int(message.content))
    return reply.Text(message.content)
