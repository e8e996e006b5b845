"""Publishes the expiry of contexts to their users' lanes.

A context has no time to live in Redis: an index says when it expires, and each commit moves that time. In the lane, a
changed version shows that a message came first; otherwise the commit removes the context.
"""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from wxbus.accounts.file import AccountLookup
from wxbus.aio.background import repeat
from wxbus.aio.ticks import until_tick
from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.bus.ports import Inbox
from wxbus.errors import UnknownAccount
from wxbus.telemetry import new_traceparent

SWEEP_INTERVAL: Final = 1.0
"""Seconds between two sweeps of a worker."""
BATCH: Final = 100
PUBLISH_BUDGET: Final = 5.0
"""Seconds for one confirm."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DueContext:
    """A context whose expiry is due."""

    lane: str
    version: int

    def envelope(self, account: str) -> Envelope:
        """Return the note for the lane; each version has one dedup id."""
        appid, _, openid = self.lane.partition(":")
        return Envelope(
            id=new_id(),
            kind=EnvelopeKind.CONTEXT_EXPIRED,
            account=account,
            appid=appid,
            openid=openid,
            lane=self.lane,
            dedup_id=f"{self.lane}:expired:{self.version}",
            body=json.dumps({"version": str(self.version)}).encode(),
            received_at=time.time(),
            traceparent=new_traceparent(),
        )


class DueContexts(Protocol):
    """The index of expiries: `wxbus_worker.store.redis.RedisContextStore`. Every call may be repeated."""

    async def due_shards(self) -> Sequence[int]:
        """Return the shards that have something due."""
        ...

    async def claim_due(self, shard: int, *, limit: int) -> Sequence[tuple[str, int]]:
        """Return lanes and versions of contexts whose expiry is due; other workers do not get them for a time."""
        ...

    async def mark_expiry_published(self, lane: str, version: int) -> None:
        """Record that the expiry is published."""
        ...

    async def delete_due(self, shard: int, *, limit: int) -> int:
        """Delete contexts whose expiry is due, and return their number."""
        ...


class ContextSweeper:
    """Searches for due contexts. Each worker runs one."""

    def __init__(self, contexts: DueContexts, inbox: Inbox, accounts: AccountLookup, *, events: bool) -> None:
        """`events`: whether there are `context_removed` handlers; without them the contexts are deleted at once."""
        self._contexts = contexts
        self._inbox = inbox
        self._accounts = accounts
        self._events = events

    async def run(self) -> None:
        """Sweep until cancelled."""
        await repeat(self.sweep, name="context expiry", pause=lambda: until_tick(SWEEP_INTERVAL))

    async def sweep(self) -> int:
        """Publish all expiries that are due now, and return their number.

        Raises:
            BrokerUnavailable: One was not confirmed: it is published again after its claim.
        """
        found = 0
        due = await self._contexts.due_shards()
        for shard in random.sample(due, len(due)):
            while taken := await self._take(shard):
                found += taken
                if taken < BATCH:
                    break
        return found

    async def _take(self, shard: int) -> int:
        if not self._events:
            return await self._contexts.delete_due(shard, limit=BATCH)
        claimed = [DueContext(*one) for one in await self._contexts.claim_due(shard, limit=BATCH)]
        outcomes = await asyncio.gather(*map(self._publish, claimed), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(claimed)

    async def _publish(self, due: DueContext) -> None:
        appid = due.lane.partition(":")[0]
        try:
            account = self._accounts.owner_of(appid)
        except UnknownAccount:
            log.warning("context_expiry.unknown_account", appid=appid)
        else:
            await self._inbox.publish(due.envelope(account.name), budget=PUBLISH_BUDGET)
        await self._contexts.mark_expiry_published(due.lane, due.version)
