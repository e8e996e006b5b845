"""A bot that blocks the event loop on the text "block" and records all other numbers in the order of handling."""

import asyncio
import time

from wxbus_worker import Context, Router, TextMessage

BLOCK = 5.0
"""Seconds, longer than the lease of a worker."""
WORK = 0.02

router = Router("blocking")


@router.text("block")
async def block() -> None:
    """Block the event loop repeatedly, like a blocking library, until the worker is cut off."""
    while True:
        time.sleep(BLOCK)  # noqa: ASYNC251 - the fault under test
        await asyncio.sleep(0.5)


@router.text
async def record(message: TextMessage, context: Context) -> None:
    """Record the number."""
    await asyncio.sleep(WORK)
    context.storage.setdefault("numbers", []).append(int(message.content))
