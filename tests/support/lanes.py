"""Work for lanes that a test holds and releases."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from tests.support.worker import a_text_envelope
from wxbus.testing import MemoryDelivery
from wxbus_worker.delivery.job import Job


def a_delivery(openid: str, number: int = 0, *, partition: int = 0) -> MemoryDelivery:
    """Return a delivery of a user's message."""
    return MemoryDelivery(a_text_envelope(str(number), openid=openid), partition=partition)


class Work:
    """Work that waits until the test releases it, user by user."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ended: list[str] = []
        self.running = 0
        self.most_running = 0
        self.gates: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(0))
        self.uninterruptible = False
        self._changed = asyncio.Condition()

    async def __call__(self, job: Job) -> None:
        """Start, wait for the release, acknowledge."""
        lane = job.delivery.lane
        self.started.append(lane)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        job.interruptible = not self.uninterruptible
        await self._note()
        try:
            await self.gates[lane].acquire()
            await job.delivery.ack()
            self.ended.append(lane)
        finally:
            self.running -= 1
            await self._note()

    def release(self, openid: str, count: int = 1) -> None:
        """Release the user's next messages."""
        for _ in range(count):
            self.gates[f"wx1:{openid}"].release()

    async def until(self, *, started: int = 0, ended: int = 0) -> None:
        """Return once this many have started and ended."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.started) >= started and len(self.ended) >= ended)

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def alone_if_suspect(work: Work) -> Callable[[Job], Awaitable[None]]:
    """Return work that runs the lane `wx1:suspect` alone."""

    async def suspicious(job: Job) -> None:
        async with job.run_alone() if job.delivery.lane == "wx1:suspect" else nullcontext():
            await work(job)

    return suspicious


async def pausing(work: Work, job: Job) -> None:
    """Pause until released, then do the work."""
    lane = job.delivery.lane
    async with job.pause_lane():
        await work.gates[f"{lane}:rest"].acquire()
    await work(job)


def resume(work: Work, openid: str) -> None:
    """End the user's next pause."""
    work.gates[f"wx1:{openid}:rest"].release()
