"""Contexts whose time is over: found in their shard's index by due time, and handed to their lanes.

A context has no time to live in Redis: the index says when it is due, and each commit moves that. Whoever claims it
here publishes it into its user's lane; there the version says whether a message was faster, and the commit removes it.
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
from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.bus.ports import Inbox
from wxbus.errors import UnknownAccount
from wxbus.telemetry import new_traceparent
from wxbus_worker.store.ports import SHARDS

SWEEP_EVERY: Final = 1.0
"""Seconds between two looks at the index."""
BATCH: Final = 100
PUBLISH_BUDGET: Final = 5.0

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DueContext:
    """A context whose time is over."""

    lane: str
    version: int

    def envelope(self, account: str) -> Envelope:
        """Return what is put into its lane; for one version always under the same id for de-duplication."""
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
    """The index: `wxbus_worker.store.redis.RedisContextStore`. Every call may be repeated."""

    async def claim_due(self, shard: int, *, most: int) -> Sequence[tuple[str, int]]:
        """Return lanes and versions of contexts that are due; for a while nobody else gets them."""
        ...

    async def mark_expiry_published(self, lane: str, version: int) -> None:
        """Note that its lane was told."""
        ...

    async def delete_due(self, shard: int, *, most: int) -> int:
        """Delete contexts that are due, and return how many: for routers that need not know."""
        ...


class Sweeper:
    """Looks for contexts that are due, as often as it takes; as many at once as there are workers."""

    def __init__(self, contexts: DueContexts, inbox: Inbox, accounts: AccountLookup, *, events: bool) -> None:
        """`events`: whether there are handlers to tell; else the contexts are deleted at once."""
        self._contexts = contexts
        self._inbox = inbox
        self._accounts = accounts
        self._events = events

    async def run(self) -> None:
        """Sweep until cancelled, whatever is away meanwhile."""
        # Each worker at times of its own: they look one after another, and find what is due the sooner.
        await repeat(self.sweep, name="context expiry", pause=lambda: SWEEP_EVERY * random.uniform(0.5, 1.5))

    async def sweep(self) -> int:
        """Hand over all that is due now, and return how many contexts that were.

        Raises:
            BrokerUnavailable: One was not confirmed: it is handed over again after its claim.
        """
        found = 0
        for shard in random.sample(range(SHARDS), SHARDS):
            while taken := await self._take(shard):
                found += taken
                if taken < BATCH:
                    break
        return found

    async def _take(self, shard: int) -> int:
        if not self._events:
            return await self._contexts.delete_due(shard, most=BATCH)
        claimed = [DueContext(*one) for one in await self._contexts.claim_due(shard, most=BATCH)]
        outcomes = await asyncio.gather(*map(self._hand_over, claimed), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(claimed)

    async def _hand_over(self, due: DueContext) -> None:
        appid = due.lane.partition(":")[0]
        try:
            account = self._accounts.owner_of(appid)
        except UnknownAccount:
            log.warning("context_expiry.unknown_account", appid=appid)
        else:
            await self._inbox.publish(due.envelope(account.name), budget=PUBLISH_BUDGET)
        await self._contexts.mark_expiry_published(due.lane, due.version)
