"""Hands callbacks to RabbitMQ while it confirms in time, and to the spool from the first failure until it is drained.

Four ways:

- direct: publish and await the confirm;
- spooling: something is in the spool, so everything goes behind it, whoever the user is. The drainer works from the
  front, but not before the last direct publish has ended: what fails of these goes into the spool at its own place in
  the order of arrival;
- queueing: the spool takes nothing (its disk is full) while it is drained, so arrivals wait in memory, in order, for
  room in it or for its end;
- changing back: little is left in the spool, so arrivals wait for the drainer to finish. Without this, a load that
  never pauses would find the spool never empty.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from wxbus.aio.background import repeat
from wxbus.aio.backoff import Backoff
from wxbus.bus.envelope import Envelope, EnvelopeKind
from wxbus.bus.ports import PublisherPort
from wxbus.errors import BrokerUnavailable, SpoolUnavailable, Unavailable
from wxbus_ingress.metrics import SpoolMetrics
from wxbus_ingress.passive.pending import PendingAnswers
from wxbus_ingress.publishing.drainer import BATCH, Drainer
from wxbus_ingress.settings import Limits
from wxbus_ingress.spool.spool import Spool

SPOOL_SHARE = 1.0
"""Seconds of a callback's budget that are kept for the spool."""
CHANGE_LIMIT = 0.5
"""Seconds for which arrivals wait for the last of the spool."""

log = structlog.stdlib.get_logger(__name__)


class SpoolingPublisher:
    """An inbox that keeps what RabbitMQ does not take."""

    def __init__(
        self,
        broker: PublisherPort,
        spool: Spool,
        limits: Limits,
        metrics: SpoolMetrics,
        waiting: PendingAnswers | None = None,
    ) -> None:
        """Use `open`."""
        self._broker = broker
        self._spool = spool
        self._limits = limits
        self._metrics = metrics
        self._those_waiting = waiting
        self._drainer = Drainer(spool, broker, metrics)
        self._in_flight = 0
        self._waiting = 0
        self._spooling = asyncio.Event()
        self._direct = asyncio.Event()
        self._direct.set()
        self._landed = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._queued = 0
        """Callbacks that the spool did not take, and that wait for it to be drained."""
        self._queue_lock = asyncio.Lock()
        self._drained = asyncio.Event()
        """Something left the spool, or draining failed: the first in the queue looks again."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        broker: PublisherPort,
        spool: Spool,
        limits: Limits,
        metrics: SpoolMetrics,
        waiting: PendingAnswers | None = None,
    ) -> AsyncIterator["SpoolingPublisher"]:
        """Yield the inbox; what is in the spool already is drained first.

        `waiting` is told of envelopes whose answer is awaited and that go to the spool.
        """
        spooling = cls(broker, spool, limits, metrics, waiting)
        if spool.rows:
            spooling._start_spooling(f"{spool.rows} callbacks are left from the last run")
        draining = asyncio.create_task(repeat(spooling._drain, name="drainer", pause=lambda: 1.0))
        try:
            yield spooling
        finally:
            draining.cancel()
            await asyncio.wait([draining])

    async def check(self) -> None:
        """Return if a callback would be taken now, one way or the other.

        Raises:
            Unavailable: Neither RabbitMQ nor the spool would take it.
        """
        if self._spooling.is_set():
            await self._spool.check()
            return
        try:
            await self._broker.check()
        except BrokerUnavailable as exc:
            try:
                await self._spool.check()
            except SpoolUnavailable as full:
                raise SpoolUnavailable(f"{exc}; {full}") from full

    async def until_direct(self) -> None:
        """Return once nothing is in the spool, so that callbacks go to RabbitMQ."""
        await self._direct.wait()

    async def publish(self, envelope: Envelope, *, budget: float) -> None:
        """Return once it is on disk, in its queue or in the spool.

        Raises:
            SpoolUnavailable: Neither has it for sure.
        """
        clock = asyncio.get_running_loop().time
        by = clock() + budget
        # A note that comes late is worth nothing, and no callback can be overtaken by it.
        is_note = envelope.kind is EnvelopeKind.DELIVERED_PASSIVELY
        number = self._spool.next_number(first=is_note)
        if self._waiting or not self._settled.is_set():
            await self._wait_settled(by - clock())
        if is_note or not (self._spooling.is_set() or self._queued):
            left = min(self._limits.broker_budget, by - clock() - SPOOL_SHARE)
            if await self._publish_direct(envelope, left):
                return
        if envelope.reply_to is not None and self._those_waiting is not None:
            self._those_waiting.unheard(envelope.id)
        envelope = envelope.without_reply_to()
        try:
            refusal = "callbacks that came before wait for the spool"
            if is_note or not self._queued:
                try:
                    await self._add(number, envelope, by)
                except SpoolUnavailable as exc:
                    if is_note:
                        raise
                    refusal = str(exc)
                else:
                    return
            if await self._queue(number, envelope, by, refusal):
                return
            if not await self._publish_direct(envelope, min(self._limits.broker_budget, by - clock())):
                await self._add(number, envelope, by)
        except SpoolUnavailable:
            self._metrics.refused.inc()
            raise

    async def _add(self, number: int, envelope: Envelope, by: float) -> None:
        """Put it into the spool."""
        try:
            async with asyncio.timeout_at(by):
                await self._spool.add(number, envelope)
        except TimeoutError as exc:
            raise SpoolUnavailable("the spool did not answer in time") from exc
        self._metrics.spooled.inc()

    async def _queue(self, number: int, envelope: Envelope, by: float, refusal: str) -> bool:
        """Wait in the order of arrival while the spool takes nothing, which `refusal` explains, and is drained.

        Returns:
            True: The spool has taken it after all. False: The spool is empty, it can be published now.

        Raises:
            SpoolUnavailable: Neither came in time, or RabbitMQ is away.
        """
        self._queued += 1
        try:
            async with asyncio.timeout_at(by - self._limits.broker_budget), self._queue_lock:
                while self._spooling.is_set():
                    await self._check_draining(refusal)
                    self._drained.clear()
                    try:
                        await self._add(number, envelope, by)
                    except SpoolUnavailable as exc:
                        refusal = str(exc)
                        await self._drained.wait()
                    else:
                        return True
        except TimeoutError as exc:
            raise SpoolUnavailable(f"{refusal}; RabbitMQ did not take the rest of the spool in time") from exc
        else:
            return False  # nothing is awaited before it is published: the next one in the queue is behind it
        finally:
            self._queued -= 1

    async def _check_draining(self, refusal: str) -> None:
        """Return if RabbitMQ takes what is in the spool."""
        try:
            await self._broker.check()
        except BrokerUnavailable as exc:
            raise SpoolUnavailable(f"{exc}; {refusal}") from exc

    async def _publish_direct(self, envelope: Envelope, budget: float) -> bool:
        """Return whether RabbitMQ has it; if not, everything goes to the spool from now on."""
        if self._in_flight >= self._limits.in_flight:
            self._start_spooling(f"{self._in_flight} callbacks wait for RabbitMQ, the limit")
            return False
        self._in_flight += 1
        try:
            await self._broker.publish(envelope, budget=budget)
        except BrokerUnavailable as exc:
            self._start_spooling(str(exc))
            return False
        else:
            return True
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._landed.set()

    async def _wait_settled(self, left: float) -> None:
        """Wait for the last of the spool, behind those who wait already."""
        self._waiting += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, self._limits.broker_budget)):
                    if self._settled.is_set():
                        await asyncio.sleep(0)  # those who were woken just now go on first
                    else:
                        await self._settled.wait()
        finally:
            self._waiting -= 1

    def _start_spooling(self, reason: str) -> None:
        if not self._spooling.is_set():
            log.warning("spool.started", reason=reason)
            self._spooling.set()
            self._direct.clear()
            self._metrics.spooling.set(1)

    async def _drain(self) -> None:
        """Empty the spool whenever there is something in it, for ever."""
        backoff = Backoff(first=0.05, longest=1.0)
        while True:
            await self._spooling.wait()
            while self._in_flight:
                self._landed.clear()
                await self._landed.wait()
            try:
                if await self._drainer.step():
                    self._drained.set()
                    backoff.reset()
                    if self._spool.rows < BATCH:
                        await self._change_back()
                elif self._empty:
                    self._stop_spooling()
            except Unavailable as exc:
                self._drained.set()
                delay = backoff.delay()
                log.warning("spool.waiting", reason=str(exc), callbacks=self._spool.rows, again_in=round(delay, 3))
                await asyncio.sleep(delay)

    async def _change_back(self) -> None:
        """Hold arrivals up while the rest is sent."""
        self._settled.clear()
        try:
            async with asyncio.timeout(CHANGE_LIMIT):
                while await self._drainer.step() or not self._empty:
                    pass
                self._stop_spooling()
        except TimeoutError:
            log.info("spool.not_empty_yet", callbacks=self._spool.rows)
        finally:
            self._settled.set()

    @property
    def _empty(self) -> bool:
        """Whether nothing is in the spool, and nothing on the way into it."""
        return not (self._spool.rows or self._spool.adding)

    def _stop_spooling(self) -> None:
        log.info("spool.emptied")
        self._spooling.clear()
        self._direct.set()
        self._drained.set()
        self._metrics.spooling.set(0)
