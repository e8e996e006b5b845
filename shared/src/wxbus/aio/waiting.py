"""Waiting for one of several events."""

import asyncio


async def wait_any(*events: asyncio.Event, within: float | None = None) -> None:
    """Return when one of the events is set, or after `within` seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
