"""Waiting for one of several events, and work that an event ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Interrupted(Exception):
    """The event of `interrupted_by` was set."""


@asynccontextmanager
async def interrupted_by(event: asyncio.Event) -> AsyncIterator[None]:
    """Run the block; if the event is set meanwhile, cancel the block and raise Interrupted."""
    limit = asyncio.timeout(None)

    async def watch() -> None:
        await event.wait()
        limit.reschedule(0)

    try:
        async with limit:
            watcher = asyncio.ensure_future(watch())
            try:
                yield
            finally:
                watcher.cancel()
    except TimeoutError as exc:
        if not limit.expired():
            raise
        raise Interrupted from exc


async def wait_any(*events: asyncio.Event, within: float | None = None) -> None:
    """Return when one of the events is set, or after `within` seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
