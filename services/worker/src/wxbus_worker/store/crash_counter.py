"""Counts the starts of a message that have no end because the process died (RabbitMQ and Redis reference 7)."""

from datetime import timedelta
from typing import Final

from wxbus.bus.envelope import Envelope
from wxbus.store.store import Script
from wxbus_worker.store.redis import Scripts

REMEMBER: Final = timedelta(days=1)
"""For a message that stands in its queue after its last crash, because no worker runs."""


class CrashCounter:
    """Counts in Redis, for redelivered messages only: one that comes for the first time was not begun before."""

    def __init__(self, scripts: Scripts, *, namespace: str) -> None:
        self._scripts = scripts
        self._namespace = namespace
        self._start, self._end = (Script.of("wxbus_worker.store.lua", f"{name}.lua") for name in ("start", "end"))

    async def before(self, envelope: Envelope) -> int:
        """Return how many runs of this attempt began without an end.

        The first one was not counted, as its delivery was no redelivery; it is assumed, although the message may only
        have been in the hand of a process that died of another.
        """
        return 1 + await self._run(envelope, "")

    async def begin(self, envelope: Envelope, attempt_id: str) -> None:
        """Count a run that begins now."""
        await self._run(envelope, attempt_id)

    async def end(self, envelope: Envelope) -> None:
        """Forget them all: a run ended, whatever came of it."""
        await self._scripts.run(self._end, keys=[self._key(envelope)])

    async def _run(self, envelope: Envelope, attempt_id: str) -> int:
        ttl = round(REMEMBER.total_seconds() * 1000)
        return int(await self._scripts.run(self._start, keys=[self._key(envelope)], args=[attempt_id, ttl]))

    def _key(self, envelope: Envelope) -> str:
        return f"{self._namespace}:starts:{envelope.id}:{envelope.attempt}"
