"""A bot that a text "block" makes stand still; it keeps the numbers of the others in the order it handles them."""

import asyncio
import time

from wxbus_worker import Context, Router, TextMessage

BLOCK = 5.0
"""Seconds: longer than the lease after which a worker is cut off."""
WORK = 0.02

router = Router("blocking")


@router.text("block")
async def block() -> None:
    """Block the event loop again and again, as a library without asyncio does, until the worker is cut off."""
    while True:
        time.sleep(BLOCK)  # noqa: ASYNC251 - what is tested
        await asyncio.sleep(0.5)


@router.text
async def record(message: TextMessage, context: Context) -> None:
    """Keep the number."""
    await asyncio.sleep(WORK)
    context.storage.setdefault("numbers", []).append(int(message.content))
