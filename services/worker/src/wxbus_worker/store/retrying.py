"""Repeats scripts while Redis is unavailable."""

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
    """Runs scripts until Redis answers; for scripts that may be repeated.

    A Redis that refuses writes is unavailable, even if it answers reads: it is available when it accepts a write.
    """

    def __init__(self, store: Store, generation: Generation) -> None:
        self._store = store
        self._generation = generation
        self._unavailable = False

    async def run(self, script: Script, *, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """Return the result of the script."""
        return await self._until_answered(lambda: self._store.run(script, keys=keys, args=args))

    async def command(self, name: str, *words: Argument) -> Any:
        """Return the answer to one idempotent command."""
        return await self._until_answered(lambda: self._store.command(name, *words))

    async def until_available(self) -> None:
        """Return when Redis answers and accepts writes."""
        await self._until_answered(self.check)

    async def check_durability(self) -> None:
        """Return if Redis keeps acknowledged writes, once it answers.

        Raises:
            ConfigurationError: It does not.
        """
        await self._until_answered(self._store.check_durability)

    async def check(self) -> None:
        """Return if Redis accepts writes now, or raise StoreUnavailable with the reason."""
        await self._generation.check()

    async def _until_answered(self, operation: Callable[[], Awaitable[T]]) -> T:
        backoff = None
        while True:
            try:
                answer = await operation()
            except StoreUnavailable as exc:
                backoff = backoff or Backoff(first=0.05, longest=2.0)
                if not self._unavailable:
                    log.warning("store.unavailable", error=str(exc))
                self._unavailable = True
                await asyncio.sleep(backoff.delay())
            else:
                if self._unavailable:
                    await self._check_writes()
                return answer

    async def _check_writes(self) -> None:
        """Check whether Redis accepts writes again; the answer so far may be that to a read."""
        with suppress(StoreUnavailable):
            await self.check()
            if self._unavailable:
                log.warning("store.available")
            self._unavailable = False
