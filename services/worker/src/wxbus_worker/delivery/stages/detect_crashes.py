"""Detects messages that crash the worker process, and isolates them."""

from contextlib import suppress
from typing import Final

import structlog

from wxbus.aio.timeout import Timeout
from wxbus.errors import WxbusError
from wxbus_worker.delivery.job import Decoded
from wxbus_worker.delivery.settlement import Settlement, ToDeadLetters
from wxbus_worker.delivery.stage import Next
from wxbus_worker.store.crash_counter import CrashCounter

SUSPECT: Final = 3
"""Unfinished attempts after which a message runs alone."""
POISON: Final = 5
"""Unfinished attempts after which a message is dead-lettered."""
CLEAR_BUDGET: Final = 1.0
"""Seconds for which the end of an attempt waits for Redis."""

log = structlog.stdlib.get_logger(__name__)


class PoisonMessage(WxbusError):
    """Every process that ran the message crashed, or was cut off because its event loop was blocked."""


class DetectCrashes:
    """Counts the unfinished attempts of redelivered messages; other messages cost nothing.

    A crash leaves all attempts of the process unfinished, and so does a message that blocks the event loop until the
    worker is cut off. A suspect therefore runs after the messages that already wait in its partition, with no other job
    there and no other suspect in the process: the next crash counts for it alone.
    """

    def __init__(self, crashes: CrashCounter | None) -> None:
        """`crashes` is None where a crash cannot happen: in tests of handlers."""
        self._crashes = crashes

    async def __call__(self, decoded: Decoded, call_next: Next[Decoded]) -> Settlement:
        """Run the rest, alone for a suspect, or dead-letter the message."""
        job, envelope, crashes = decoded.job, decoded.envelope, self._crashes
        if crashes is None or not job.delivery.redelivered:
            return await call_next(decoded)
        unfinished = await crashes.unfinished(envelope)
        if unfinished < SUSPECT:
            return await self._counted(decoded, call_next, crashes)
        log.warning("delivery.suspected", unfinished_attempts=unfinished)
        job.suspected = True
        async with job.run_alone():
            # Again: another worker may have run it while this one waited and had lost the partition.
            unfinished = await crashes.unfinished(envelope)
            if unfinished >= POISON:
                await crashes.clear(envelope)  # a replay starts with no unfinished attempts
                return ToDeadLetters(
                    "poison",
                    PoisonMessage(f"{unfinished} attempts crashed the process or blocked its event loop"),
                )
            return await self._counted(decoded, call_next, crashes)

    async def _counted(self, decoded: Decoded, call_next: Next[Decoded], crashes: CrashCounter) -> Settlement:
        await crashes.begin(decoded.envelope, decoded.job.attempt_id)
        try:
            return await call_next(decoded)
        finally:
            # An error or a cancellation ends the attempt, too: the process lives. An attempt that blocked the loop
            # stays unfinished, as the worker was or would have been cut off. If Redis does not answer, this attempt
            # stays counted, which is harmless.
            if not decoded.job.blocked_loop:
                with suppress(TimeoutError), Timeout(CLEAR_BUDGET):
                    await crashes.clear(decoded.envelope)
