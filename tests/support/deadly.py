"""A bot that a text "die" kills; it keeps the numbers of the others in the order in which it handles them."""

import asyncio
import os

from wxbus_worker import Context, Router, TextMessage

WORK = 0.05
"""Seconds of each message: when the process dies, others are being handled."""

router = Router("deadly")


@router.text("die")
async def die() -> None:
    """End the process as a fault of a C extension does."""
    await asyncio.sleep(WORK / 2)
    os._exit(70)


@router.text
async def record(message: TextMessage, context: Context) -> None:
    """Keep the number."""
    await asyncio.sleep(WORK)
    context.storage.setdefault("numbers", []).append(int(message.content))
