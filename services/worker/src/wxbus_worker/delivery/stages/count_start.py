"""A message that ends the process of whoever runs it is found out, and takes no other one along."""

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from wxbus.errors import WxbusError
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement, ToDeadLetters
from wxbus_worker.store.crash_counter import CrashCounter

SUSPECT: Final = 3
"""Runs without an end after which a message runs alone."""
POISON: Final = 5
"""Runs without an end after which it does not run any more."""
FORGET_TIME: Final = 1.0
"""Seconds that the end of a run may wait for Redis."""

log = structlog.stdlib.get_logger(__name__)


class Poison(WxbusError):
    """Every process that ran the message ended, or was cut off because it stood still."""


class CountStart:
    """Counts the runs of redelivered messages; others cost nothing.

    When a process dies, all that it ran has begun without an end. So has a message that blocked the event loop until
    the worker was cut off. A suspect runs after what waits in its partition, with nothing beside it there and no other
    suspect in the process: of two that died together, only one is counted on.
    """

    def __init__(self, starts: CrashCounter | None) -> None:
        """`starts` is None where no process can die: in tests of handlers."""
        self._starts = starts

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest, alone if need be, or bury the message."""
        starts = self._starts
        if starts is None or not job.delivery.redelivered:
            return await call_next(job)
        before = await starts.before(job.envelope)
        if before < SUSPECT:
            return await self._counted(job, call_next, starts)
        log.warning("delivery.suspected", starts=before)
        job.suspected = True
        async with job.alone():
            before = await starts.before(job.envelope)  # while it waited another may have run it: we lost the partition
            if before >= POISON:
                await starts.end(job.envelope)  # a replay begins anew
                return ToDeadLetters(
                    "poison", Poison(f"{before} runs began and none ended: each time the process died or stood still")
                )
            return await self._counted(job, call_next, starts)

    async def _counted(self, job: Job, call_next: Next, starts: CrashCounter) -> Settlement:
        await starts.begin(job.envelope, job.id)
        try:
            return await call_next(job)
        finally:
            # An error and a cancellation are ends, too: the process lives. Not so if the message blocked the loop: the
            # worker was or would have been cut off. Without Redis it remains a start too many, of a message that will
            # hardly come again.
            if not job.blocked_loop:
                with suppress(TimeoutError):
                    async with asyncio.timeout(FORGET_TIME):
                        await starts.end(job.envelope)
