"""Servers under measurement: each in a process of its own, its CPU time read from outside."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

START_LIMIT = 20.0
"""Seconds until a server listens."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Return user and system time so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory_mib(self) -> float:
        """Return resident memory."""
        return float(self.process.memory_info().rss) / 2**20


@asynccontextmanager
async def serving(
    arguments: Sequence[str], *, port: int, env: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    """Run `python ARGUMENTS` while the block runs; starts the block when `port` listens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(START_LIMIT):
            while not await _listens(port):
                if process.returncode is not None:
                    raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}")
                await asyncio.sleep(0.05)
        yield Server(psutil.Process(process.pid))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
