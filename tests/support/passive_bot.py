"""A bot for passive replies: it takes its time, and dies where the text says so."""

import asyncio
import os

from wxbus_worker import Router, TextMessage, current_delivery, reply

WORK = 0.15
"""Seconds of each message, so that kills find handlers running."""

router = Router("passive")


@router.text(prefix="die")
async def die(message: TextMessage) -> reply.Text:
    """End the process the first time, answer the second time."""
    if not current_delivery().redelivered:
        os._exit(70)
    return reply.Text(message.content)


@router.text
async def echo(message: TextMessage) -> list[reply.Text]:
    """Answer with the same, and with one thing more, which cannot be the answer to WeChat."""
    await asyncio.sleep(WORK)
    return [reply.Text(message.content), reply.Text(f"{message.content} too")]
