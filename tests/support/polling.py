"""Waits for what the event loop reads, instead of sleeping."""

import asyncio
import socket

POLLS = 3
"""Reads of another connection: a socket that became readable before them has been read meanwhile."""


async def until_read() -> None:
    """Return once the loop has read what was written before to its connections on this machine."""
    loop = asyncio.get_running_loop()
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)
        for _ in range(POLLS):
            reading = asyncio.ensure_future(loop.sock_recv(far, 1))
            await asyncio.sleep(0)  # it waits now
            await loop.sock_sendall(near, b"x")
            await reading
