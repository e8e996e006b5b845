"""Counts the attempts of a message that did not end, because the process crashed (RabbitMQ and Redis reference 7)."""

from datetime import timedelta
from typing import Final

from wxbus.bus.envelope import Envelope
from wxbus_worker.store.scripts import Scripts, load, to_ms

REMEMBER: Final = timedelta(days=1)
"""How long a message may stay in its queue after its last crash, while no worker runs."""


class CrashCounter:
    """Counts in Redis, for redelivered messages only: a first delivery was not attempted before."""

    def __init__(self, scripts: Scripts, *, namespace: str) -> None:
        self._scripts = scripts
        self._namespace = namespace
        self._begin = load("begin_attempt")
        self._clear = load("clear_attempts")

    async def unfinished(self, envelope: Envelope) -> int:
        """Return how many attempts began and did not end.

        The first attempt is not stored, as its delivery was no redelivery. It is included here, although another
        message may have crashed its process.
        """
        return 1 + await self._run(envelope, "")

    async def begin(self, envelope: Envelope, attempt_id: str) -> None:
        """Count an attempt that begins now."""
        await self._run(envelope, attempt_id)

    async def clear(self, envelope: Envelope) -> None:
        """Forget all attempts: one has ended, with any result."""
        await self._scripts.run(self._clear, keys=[self._key(envelope)])

    async def _run(self, envelope: Envelope, attempt_id: str) -> int:
        ttl = to_ms(REMEMBER.total_seconds())
        return int(await self._scripts.run(self._begin, keys=[self._key(envelope)], args=[attempt_id, ttl]))

    def _key(self, envelope: Envelope) -> str:
        return f"{self._namespace}:unfinished:{envelope.id}:{envelope.attempt}"
