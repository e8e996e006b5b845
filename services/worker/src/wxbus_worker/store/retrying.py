"""Waiting for what is away: nothing is decided meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from wxbus.aio.backoff import Backoff
from wxbus.errors import StoreUnavailable
from wxbus.store.batches import Argument
from wxbus.store.generation import Generation
from wxbus.store.store import Script, Store

T = TypeVar("T")

log = structlog.stdlib.get_logger(__name__)


class RetryingStore:
    """Runs scripts until Redis answers, however long it is away; for scripts that may be repeated, as all of ours.

    A Redis that refuses writes is away, too, though it answers reads: it is back when it takes a write.
    """

    def __init__(self, store: Store, generation: Generation) -> None:
        self._store = store
        self._generation = generation
        self._away = False

    async def run(self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """Return what the script returns."""
        return await self._until_answered(lambda: self._store.run(script, keys=keys, args=args))

    async def until_available(self) -> None:
        """Return when Redis answers and takes writes."""
        await self._until_answered(self.check)

    async def check_durability(self) -> None:
        """Return once Redis has said that it keeps what it acknowledges.

        Raises:
            ConfigurationError: It does not.
        """
        await self._until_answered(self._store.check_durability)

    async def check(self) -> None:
        """Return if Redis takes writes now, or raise StoreUnavailable with its reason."""
        await self._generation.check()

    async def _until_answered(self, operation: Callable[[], Awaitable[T]]) -> T:
        backoff = Backoff(first=0.05, longest=2.0)
        while True:
            try:
                answer = await operation()
            except StoreUnavailable as exc:
                if not self._away:
                    log.warning("store.away", error=str(exc))
                self._away = True
                await asyncio.sleep(backoff.delay())
            else:
                if self._away:
                    await self._look_again()
                return answer

    async def _look_again(self) -> None:
        """Find out whether an answer, which may be that to a read, means that Redis is back."""
        with suppress(StoreUnavailable):
            await self.check()
            if self._away:
                log.warning("store.back")
            self._away = False
