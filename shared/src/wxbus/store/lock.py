"""A lock in Redis with a lease, and a fencing number for the writes under it (RabbitMQ and Redis reference 8).

A frozen holder may wake after its lease while another process holds the lock. So each hold has a greater number than
all before it, and a script that writes under the lock must refuse any number but the last one:

    if redis.call('GET', KEYS[fence]) ~= ARGV[fence] then return 'late' end
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from wxbus.errors import StoreUnavailable
from wxbus.store.store import Script, Store

log = structlog.get_logger("wxbus.store")

ACQUIRE: Final = Script.of("wxbus.store", "lock_acquire.lua")
RENEW: Final = Script.of("wxbus.store", "lock_renew.lua")
RELEASE: Final = Script.of("wxbus.store", "lock_release.lua")


@dataclass(slots=True)
class Hold:
    """An acquired lock."""

    owner: str
    fence: int
    """Fencing number, an argument of the scripts that write."""
    until: float
    """End of the lease on the monotonic clock of this process; never later than in Redis."""

    @property
    def expired(self) -> bool:
        """Whether another process may hold the lock."""
        return time.monotonic() >= self.until

    @property
    def value(self) -> str:
        """Value of the lock's key during this hold."""
        return f"{self.owner} {self.fence}"


class Lock:
    """One lock; `key` must have a hash tag in braces if Redis is a cluster."""

    def __init__(self, store: Store, key: str, *, lease: float, renew_every: float | None = None) -> None:
        """`lease` is in seconds: longer than the longest call made under the lock.

        It is renewed every `renew_every` seconds during `hold`, by default three times per lease.
        """
        self._store = store
        self._lease = lease
        self._renew_every = lease / 3 if renew_every is None else renew_every
        self._unsure: str | None = None
        self.key = key
        self.fence_key = f"{key}:fence"
        """Key of the last fencing number."""

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Hold | None]:
        """Run the block with the lock, which is renewed until the end; yield None if another process has it.

        With None the caller must wait and try again.

        Raises:
            StoreUnavailable: No answer; the owner is unknown.
        """
        hold = await self.acquire()
        if hold is None:
            yield None
            return
        renewal = asyncio.create_task(self._keep(hold))
        try:
            yield hold
        finally:
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)
            try:
                released = await self.release(hold)
            except StoreUnavailable:
                released = False
            if not released:
                log.warning("lock.expired_before_release", lock=self.key, fence=hold.fence)

    async def acquire(self) -> Hold | None:
        """Return the acquired lock without automatic renewal; None if another process has it.

        Raises:
            StoreUnavailable: No answer; the owner is unknown until a later attempt of this object.
        """
        # An unanswered attempt may have acquired the lock: the next attempt uses the same owner.
        owner, self._unsure = self._unsure or secrets.token_hex(16), None
        sure = False
        try:
            try:
                hold = await self._attempt(owner)
            except StoreUnavailable:
                hold = await self._attempt(owner)
            sure = True
        finally:
            if not sure:
                self._unsure = owner
        return hold

    async def renew(self, hold: Hold) -> bool:
        """Renew the lease; return False if it has expired."""
        began = time.monotonic()
        if not await self._store.run(RENEW, keys=[self.key], args=[hold.value, self._lease_ms]):
            hold.until = began
            return False
        hold.until = began + self._lease
        return True

    async def release(self, hold: Hold) -> bool:
        """Release the lock; return False if the lease had expired."""
        return bool(await self._store.run(RELEASE, keys=[self.key], args=[hold.value]))

    @property
    def _lease_ms(self) -> int:
        return int(self._lease * 1000)

    async def _attempt(self, owner: str) -> Hold | None:
        began = time.monotonic()
        fence = int(await self._store.run(ACQUIRE, keys=[self.key, self.fence_key], args=[owner, self._lease_ms]))
        return Hold(owner, fence, began + self._lease) if fence else None

    async def _keep(self, hold: Hold) -> None:
        """Renew until cancelled or until the lease has expired: then the fencing number refuses its writes."""
        while not hold.expired:
            await asyncio.sleep(self._renew_every)
            try:
                if not await self.renew(hold):
                    break
            except StoreUnavailable:
                continue
