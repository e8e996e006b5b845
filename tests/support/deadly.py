"""A bot that kills its process on the text "die" and records all other numbers in the order of handling."""

import asyncio
import os

from wxbus_worker import Context, Router, TextMessage

WORK = 0.05
"""Seconds per message, so that other messages are being handled when the process dies."""

router = Router("deadly")


@router.text("die")
async def die() -> None:
    """Kill the process, like a crash of a C extension."""
    await asyncio.sleep(WORK / 2)
    os._exit(70)


@router.text
async def record(message: TextMessage, context: Context) -> None:
    """Record the number."""
    await asyncio.sleep(WORK)
    context.storage.setdefault("numbers", []).append(int(message.content))
