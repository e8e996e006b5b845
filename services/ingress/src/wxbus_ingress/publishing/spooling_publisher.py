"""Publishes callbacks to RabbitMQ while it confirms in time; from the first failure on, stores them in the spool.

Four ways:

- direct: publish and await the confirm;
- spooling: the spool is in use, so every callback goes behind its rows. The drainer starts at the front, but not before
  the last direct publish has ended: one that fails goes into the spool at its own place in the order of arrival;
- overflow: the spool refuses callbacks (its disk is full) and is being drained, so arrivals wait in memory, in order,
  until the spool accepts them or is empty;
- switching back: the spool is nearly empty, so arrivals wait until it is drained. Without this, a constant load would
  keep the spool from ever being empty.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog
from opentelemetry.trace import SpanKind

from wxbus.aio.background import repeat
from wxbus.aio.backoff import Backoff
from wxbus.bus.envelope import Envelope, EnvelopeKind
from wxbus.bus.ports import PublisherPort
from wxbus.errors import BrokerUnavailable, SpoolUnavailable, Unavailable
from wxbus.telemetry import step
from wxbus_ingress.metrics import SpoolMetrics
from wxbus_ingress.passive.pending import PendingAnswers
from wxbus_ingress.publishing.drainer import BATCH, Drainer
from wxbus_ingress.publishing.overflow_queue import OverflowQueue
from wxbus_ingress.settings import Limits
from wxbus_ingress.spool.spool import Spool

SPOOL_RESERVE = 1.0
"""Seconds of a callback's budget that are reserved for the spool."""
SWITCH_TIMEOUT = 0.5
"""Seconds for which arrivals wait for the last rows of the spool."""

log = structlog.stdlib.get_logger(__name__)


class SpoolingPublisher:
    """An inbox that spools the envelopes that RabbitMQ does not confirm."""

    def __init__(
        self,
        publisher: PublisherPort,
        spool: Spool,
        limits: Limits,
        metrics: SpoolMetrics,
        pending: PendingAnswers | None = None,
    ) -> None:
        """Use `open`."""
        self._publisher = publisher
        self._spool = spool
        self._limits = limits
        self._metrics = metrics
        self._pending = pending
        self._drainer = Drainer(spool, publisher, metrics)
        self._spooling = asyncio.Event()
        self._overflow = OverflowQueue(publisher, self._spooling)
        metrics.overflow.set_function(lambda: self._overflow.size)
        self._in_flight = 0
        self._all_confirmed = asyncio.Event()
        """Set when the last direct publish ends."""
        self._switched = asyncio.Event()
        """Cleared while arrivals wait for the last rows of the spool."""
        self._switched.set()
        self._waiting_for_switch = 0

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        publisher: PublisherPort,
        spool: Spool,
        limits: Limits,
        metrics: SpoolMetrics,
        pending: PendingAnswers | None = None,
    ) -> AsyncIterator["SpoolingPublisher"]:
        """Yield the inbox; it drains the rows of the last process first.

        `pending` is notified of envelopes that await an answer and go to the spool.
        """
        spooling = cls(publisher, spool, limits, metrics, pending)
        if spool.rows:
            spooling._start_spooling(f"the last process left {spool.rows} callbacks")
        draining = asyncio.create_task(repeat(spooling._drain, name="drainer", pause=lambda: 1.0))
        try:
            yield spooling
        finally:
            draining.cancel()
            await asyncio.wait([draining])

    async def check(self) -> None:
        """Return if a callback would be accepted now.

        Raises:
            Unavailable: Neither RabbitMQ nor the spool would accept it.
        """
        if self._spooling.is_set():
            await self._spool.check()
            return
        try:
            await self._publisher.check()
        except BrokerUnavailable as exc:
            try:
                await self._spool.check()
            except SpoolUnavailable as full:
                raise SpoolUnavailable(f"{exc}; {full}") from full

    async def publish(self, envelope: Envelope, *, budget: float) -> None:
        """Return once `envelope` is on disk, in its queue or in the spool.

        Raises:
            SpoolUnavailable: Neither RabbitMQ nor the spool has confirmed it.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + budget
        # A late note is useless, and it may overtake callbacks.
        is_note = envelope.kind is EnvelopeKind.DELIVERED_PASSIVELY
        number = self._spool.next_number(first=is_note)
        if self._waiting_for_switch or not self._switched.is_set():
            await self._wait_for_switch(deadline - clock())
        if is_note or not (self._spooling.is_set() or self._overflow.size):
            timeout = min(self._limits.broker_budget, deadline - clock() - SPOOL_RESERVE)
            if await self._publish_direct(envelope, timeout):
                return
        if envelope.reply_to is not None and self._pending is not None:
            self._pending.resolve_empty(envelope.id)
        envelope = envelope.without_reply_to()
        add = partial(self._add, number, envelope, deadline)
        try:
            reason = "earlier callbacks wait for the spool"
            if is_note or not self._overflow.size:
                try:
                    await add()
                except SpoolUnavailable as exc:
                    if is_note:
                        raise
                    reason = str(exc)
                else:
                    return
            if await self._overflow.wait(add, until=deadline - self._limits.broker_budget, reason=reason):
                return
            if not await self._publish_direct(envelope, min(self._limits.broker_budget, deadline - clock())):
                await add()
        except SpoolUnavailable:
            self._metrics.refused.inc()
            raise

    async def _add(self, number: int, envelope: Envelope, deadline: float) -> None:
        try:
            with step("ingress.spool"):
                async with asyncio.timeout_at(deadline):
                    await self._spool.add(number, envelope)
        except TimeoutError as exc:
            raise SpoolUnavailable("the spool did not answer in time") from exc
        self._metrics.added.inc()

    async def _publish_direct(self, envelope: Envelope, timeout: float) -> bool:
        """Return whether RabbitMQ confirmed the envelope; otherwise spooling starts."""
        if self._in_flight >= self._limits.max_in_flight:
            self._start_spooling(f"{self._in_flight} callbacks wait for RabbitMQ, the limit")
            return False
        self._in_flight += 1
        try:
            with step("ingress.publish", kind=SpanKind.PRODUCER, wxbus__kind=envelope.kind):
                await self._publisher.publish(envelope, budget=timeout)
        except BrokerUnavailable as exc:
            self._start_spooling(str(exc))
            return False
        else:
            return True
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._all_confirmed.set()

    async def _wait_for_switch(self, timeout: float) -> None:
        """Wait for the last rows of the spool, behind earlier arrivals."""
        self._waiting_for_switch += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(timeout, self._limits.broker_budget)):
                    if self._switched.is_set():
                        await asyncio.sleep(0)  # earlier arrivals were woken just now and continue first
                    else:
                        await self._switched.wait()
        finally:
            self._waiting_for_switch -= 1

    def _start_spooling(self, reason: str) -> None:
        if not self._spooling.is_set():
            log.warning("spool.started", reason=reason)
            self._spooling.set()
            self._metrics.active.set(1)

    def _stop_spooling(self) -> None:
        log.info("spool.drained")
        self._spooling.clear()
        self._overflow.retry()
        self._metrics.active.set(0)

    async def _drain(self) -> None:
        """Drain the spool whenever it is in use, until cancelled."""
        backoff = Backoff(first=0.05, longest=1.0)
        while True:
            await self._spooling.wait()
            while self._in_flight:
                self._all_confirmed.clear()
                await self._all_confirmed.wait()
            try:
                if await self._drainer.step():
                    self._overflow.retry()
                    backoff.reset()
                    if self._spool.rows < BATCH:
                        await self._switch_back()
                elif self._spool.is_empty:
                    self._stop_spooling()
            except Unavailable as exc:
                self._overflow.retry()
                delay = backoff.delay()
                log.warning("spool.drain_failed", reason=str(exc), callbacks=self._spool.rows, retry_in=round(delay, 3))
                await asyncio.sleep(delay)

    async def _switch_back(self) -> None:
        """Let arrivals wait while the last rows are published."""
        self._switched.clear()
        try:
            async with asyncio.timeout(SWITCH_TIMEOUT):
                while await self._drainer.step() or not self._spool.is_empty:
                    pass
                self._stop_spooling()
        except TimeoutError:
            log.info("spool.switch_timed_out", callbacks=self._spool.rows)
        finally:
            self._switched.set()
