"""A lock in Redis, held for a lease, with a fencing number for writes made under it (RabbitMQ and Redis reference 8).

A holder may freeze past its lease and wake while another holds the lock: no lock can prevent that. So each hold has a
number greater than all before it, and a script that writes under the lock must refuse any but the last one drawn:

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
    """The lock in hand."""

    owner: str
    fence: int
    """Give it to the script that writes."""
    until: float
    """When the lease ends, on this process's monotonic clock; never later than it does in Redis."""

    @property
    def lapsed(self) -> bool:
        """Whether somebody else may hold the lock by now."""
        return time.monotonic() >= self.until

    @property
    def value(self) -> str:
        """What the lock's key has while this hold lasts."""
        return f"{self.owner} {self.fence}"


class Lock:
    """One lock; `key` must have a hash tag in braces if Redis is a cluster."""

    def __init__(self, store: Store, key: str, *, lease: float) -> None:
        """`lease` is in seconds: longer than the longest call made under the lock."""
        self._store = store
        self._lease = lease
        self._unsure: str | None = None
        self.key = key
        self.fence_key = f"{key}:fence"
        """Has the last number drawn."""

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Hold | None]:
        """Run the block with the lock, renewed until its end; or with None at once, if another has it.

        Who is given None must wait and look again, never go on.

        Raises:
            StoreUnavailable: Redis does not say who has it.
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
                log.warning("lock.lapsed_before_release", lock=self.key, fence=hold.fence)

    async def acquire(self) -> Hold | None:
        """Return the lock in hand, not renewed by itself; None if another has it.

        Raises:
            StoreUnavailable: Redis does not say who has it; a later attempt of this object finds out.
        """
        # An owner whose attempt was never answered may have the lock: the next attempt asks as the same one.
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
        """Lengthen the lease; False if it lapsed and another may have the lock."""
        began = time.monotonic()
        if not await self._store.run(RENEW, keys=[self.key], args=[hold.value, self._lease_ms]):
            hold.until = began
            return False
        hold.until = began + self._lease
        return True

    async def release(self, hold: Hold) -> bool:
        """Free the lock for others; False if the lease lapsed before."""
        return bool(await self._store.run(RELEASE, keys=[self.key], args=[hold.value]))

    @property
    def _lease_ms(self) -> int:
        return int(self._lease * 1000)

    async def _attempt(self, owner: str) -> Hold | None:
        began = time.monotonic()
        fence = int(await self._store.run(ACQUIRE, keys=[self.key, self.fence_key], args=[owner, self._lease_ms]))
        return Hold(owner, fence, began + self._lease) if fence else None

    async def _keep(self, hold: Hold) -> None:
        """Renew until cancelled, or until the lease is lost: then its writes are refused by the fence."""
        while not hold.lapsed:
            await asyncio.sleep(self._lease / 3)
            try:
                if not await self.renew(hold):
                    break
            except StoreUnavailable:
                continue
