"""A bot for passive replies: it is slow, and it kills its process when the text asks for it."""

import asyncio
import os

from wxbus_worker import Router, TextMessage, current_delivery, reply

WORK = 0.15
"""Seconds per message, so that kills interrupt handlers."""

router = Router("passive")


@router.text(prefix="die")
async def die(message: TextMessage) -> reply.Text:
    """Kill the process at the first attempt, reply at the second."""
    if not current_delivery().redelivered:
        os._exit(70)
    return reply.Text(message.content)


@router.text
async def echo(message: TextMessage) -> list[reply.Text]:
    """Reply with the text, and with a second reply that cannot be passive."""
    await asyncio.sleep(WORK)
    return [reply.Text(message.content), reply.Text(f"{message.content} too")]
