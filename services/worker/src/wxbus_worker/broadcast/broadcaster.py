"""Works on all broadcasts, together with the other workers."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

import structlog

from wxbus.aio.background import repeat
from wxbus.api.client import WeChatClient
from wxbus.errors import Unavailable, WeChatError
from wxbus.store.lock import Lock
from wxbus.store.store import Store
from wxbus_worker.broadcast.collecting import collect
from wxbus_worker.broadcast.recipient_contexts import RecipientContexts
from wxbus_worker.broadcast.sending import Sending
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.store.broadcasts import Broadcasts, Claimed, Plan

POLL: Final = 2.0
"""Seconds between two searches for broadcasts."""
CONCURRENCY: Final = 200
"""Messages of one broadcast that a worker sends at once."""
TICK: Final = 0.05
"""Seconds between two claims at least: at higher rates several recipients are claimed together."""
LONGEST_WAIT: Final = 1.0
"""Seconds until a worker looks again at a broadcast that waits: it may be paused, or claims of other workers may have
expired."""
LEASE: Final = 30.0
"""Seconds of the lock of a collection."""
STOP_GRACE: Final = 5.0
"""Seconds for messages that are being sent when the worker stops."""

log = structlog.stdlib.get_logger(__name__)


class Broadcaster:
    """Collects recipients and sends, until cancelled. Each worker runs one."""

    def __init__(
        self,
        broadcasts: Broadcasts,
        store: Store,
        client_of: Callable[[str], WeChatClient],
        metrics: WorkerMetrics,
        recipients: RecipientContexts,
        *,
        namespace: str,
    ) -> None:
        self._broadcasts = broadcasts
        self._store = store
        self._client_of = client_of
        self._metrics = metrics
        self._recipients = recipients
        self._namespace = namespace
        self._working: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Search for broadcasts and work on each, until cancelled; then finish the messages that are being sent."""
        try:
            await repeat(self._search, name="broadcasts", pause=lambda: POLL * random.uniform(0.5, 1.5))
        finally:
            for task in self._working.values():
                task.cancel()
            await asyncio.gather(*self._working.values(), return_exceptions=True)

    async def _search(self) -> None:
        for broadcast in await self._broadcasts.active():
            if broadcast not in self._working:
                task = self._working[broadcast] = asyncio.create_task(self._work(broadcast))
                task.add_done_callback(partial(self._ended, broadcast))

    def _ended(self, broadcast: str, _task: "asyncio.Task[None]") -> None:
        self._working.pop(broadcast)

    async def _work(self, broadcast: str) -> None:
        try:
            plan = await self._broadcasts.plan(broadcast)
            if plan is None or plan.state in {"done", "cancelled"}:
                await self._broadcasts.finish(broadcast)
            elif plan.state == "running":
                await self._send(plan)
            elif plan.state == "collecting" and (plan.all_followers or plan.tag is not None):
                await self._collect(plan)
        except Unavailable as exc:
            log.warning("broadcast.waits", broadcast=broadcast, reason=str(exc))
        except WeChatError as exc:
            log.warning("broadcast.paused", broadcast=broadcast, reason=str(exc))
            await self._broadcasts.change(broadcast, "pause", f"{exc.errcode} {exc.code.meaning}")
        except Exception:
            log.exception("broadcast.failed", broadcast=broadcast)

    async def _collect(self, plan: Plan) -> None:
        lock = Lock(self._store, f"{self._namespace}:{{broadcast:{plan.id}}}:lock", lease=LEASE)
        async with lock.hold() as hold:
            if hold is not None:
                await collect(self._broadcasts, plan, self._client_of(plan.appid))

    async def _send(self, plan: Plan) -> None:
        """Send until the broadcast pauses or ends."""
        client = self._client_of(plan.appid)
        send = Sending(self._broadcasts, plan, client, self._metrics, self._recipients)
        log.info("broadcast.sending", broadcast=plan.id)
        in_flight: set[asyncio.Task[None]] = set()
        try:
            while (claimed := await self._claim(plan, limit=CONCURRENCY - len(in_flight))).state == "running":
                for openid in claimed.openids:
                    task = asyncio.create_task(send(openid))
                    in_flight.add(task)
                    task.add_done_callback(in_flight.discard)
                await asyncio.sleep(min(LONGEST_WAIT, max(TICK, claimed.wait)) * random.uniform(0.9, 1.1))
                if len(in_flight) >= CONCURRENCY:
                    await asyncio.wait(in_flight, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if in_flight:
                _, late = await asyncio.wait(in_flight, timeout=STOP_GRACE)
                for task in late:  # their claims expire, and another worker sends
                    task.cancel()
        log.info("broadcast.stopped", broadcast=plan.id, state=claimed.state)

    async def _claim(self, plan: Plan, *, limit: int) -> Claimed:
        """Return recipients to send to; when the worker stops meanwhile, they are given back."""
        claiming = asyncio.create_task(self._broadcasts.claim(plan.id, limit=limit))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            with suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(STOP_GRACE):
                    for openid in (await claiming).openids:
                        await self._broadcasts.give_back(plan.id, openid)
            raise
