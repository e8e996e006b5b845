"""The one place where an error becomes a settlement, and where a delivery is settled."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import structlog

from wxbus.aio.backoff import Backoff
from wxbus.bus.ports import Death, PublisherPort
from wxbus.errors import BrokerUnavailable, Reject, RetryLater, Unavailable, UnreadableEnvelope
from wxbus.runtime.logs import redact_text, redact_traceback
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Abandon, Done, Retry, Settlement, ToDeadLetters
from wxbus_worker.delivery.tracebacks import below_stages, says_all
from wxbus_worker.handlers.retry_policy import RetryPolicy
from wxbus_worker.replies.outbox import Outbox
from wxbus_worker.replies.passive import Answerer

PUBLISH_BUDGET: Final = 5.0
"""Seconds for one confirm of the retry or dead-letter queue; after that it is tried again."""

log = structlog.stdlib.get_logger(__name__)


class Settle:
    """Settles each delivery exactly once: acknowledged, after a copy of it is parked or buried if it failed.

    Cancellation is no `Exception`: it passes, nothing is settled, and RabbitMQ gives the delivery to the next worker.
    """

    def __init__(
        self,
        publisher: PublisherPort,
        outbox: Outbox,
        answerer: Answerer,
        retries: RetryPolicy,
        *,
        pause: Callable[[float], Awaitable[object]],
    ) -> None:
        """`retries` is for routes without a policy of their own; `pause` waits for so many seconds."""
        self._publisher = publisher
        self._outbox = outbox
        self._answerer = answerer
        self._retries = retries
        self._pause = pause

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest, then act on how it ended."""
        settlement = await _outcome(job, call_next)
        while (wait := self._blocks(job, settlement)) is not None:
            log.warning("delivery.blocks_lane", attempt=job.attempt, seconds=wait)
            await self._answerer.nothing(job)
            job.again()
            async with job.rest():
                await self._pause(wait)
            settlement = await _outcome(job, call_next)
        settlement = self._final(job, settlement)
        job.interruptible = True
        if job.abandoned:
            settlement = Abandon()
        match settlement:
            case Abandon():
                log.info("delivery.abandoned")
                return settlement
            case Retry():
                await self._answerer.nothing(job)
                await self._park(job, settlement)
            case ToDeadLetters():
                await self._answerer.nothing(job)
                await self._bury(job, settlement)
            case Done():
                pass
        try:
            await job.delivery.ack()
        except BrokerUnavailable as exc:
            # It comes again, to us or to another, and is found to be a duplicate.
            log.info("delivery.not_acknowledged", reason=str(exc))
        return settlement

    def _final(self, job: Job, settlement: Settlement) -> Settlement:
        """Return `settlement`, or burial if it asks for an attempt more than there are."""
        if isinstance(settlement, Retry) and self._delay(job, settlement) is None:
            return ToDeadLetters("attempts", settlement.error)
        return settlement

    def _delay(self, job: Job, retry: Retry) -> str | None:
        return self._policy(job).delay_after(job.attempt, retry.after)

    def _blocks(self, job: Job, settlement: Settlement) -> float | None:
        """Return the seconds after which it runs again while its user's lane waits, None if it does not."""
        if job.abandoned or not isinstance(settlement, Retry):
            return None
        return self._policy(job).blocked_after(job.attempt, settlement.after)

    def _policy(self, job: Job) -> RetryPolicy:
        return self._retries if job.route is None or job.route.retry is None else job.route.retry

    async def _park(self, job: Job, retry: Retry) -> None:
        delay = self._delay(job, retry) or ""
        attempt = job.attempt
        log.warning("delivery.parked", attempt=attempt, delay=delay, error=_one_line(retry.error))
        copy = replace(job.envelope.without_reply_to(), attempt=attempt + 1)
        await _until_confirmed(lambda: self._publisher.schedule_retry(copy, delay=delay, budget=PUBLISH_BUDGET))

    async def _bury(self, job: Job, dead_letter: ToDeadLetters) -> None:
        death = Death(
            reason=dead_letter.reason,
            error=_one_line(dead_letter.error),
            traceback="" if says_all(dead_letter.error) else redact_traceback(dead_letter.error),
            attempts=1 if dead_letter.reason == "unreadable" else job.attempt,
            died_at=time.time(),
            committed=job.dedup_key if job.sending else None,
        )
        log.error("delivery.buried", reason=death.reason, attempts=death.attempts, error=death.error)
        await _until_confirmed(lambda: self._publisher.dead_letter(job.delivery, death, budget=PUBLISH_BUDGET))
        await self._outbox.give_up(job)


async def _outcome(job: Job, call_next: Next) -> Settlement:
    try:
        return await call_next(job)
    except Exception as exc:
        exc.__traceback__ = below_stages(exc.__traceback__)
        match exc:
            case UnreadableEnvelope():
                return ToDeadLetters("unreadable", exc)
            case Reject():
                return ToDeadLetters("reject", exc)
            case RetryLater():
                return Retry(exc, exc.after)
            case Unavailable():  # a part is away: its text says all, where it was noticed says nothing
                return Retry(exc)
        if not job.abandoned:
            log.exception("delivery.failed")
        return Retry(exc)


async def _until_confirmed(publish: Callable[[], Awaitable[None]]) -> None:
    """Publish until RabbitMQ confirms; a copy too many is found to be a duplicate."""
    backoff = Backoff(first=0.05, longest=5.0)
    while True:
        try:
            await publish()
        except BrokerUnavailable as exc:
            delay = backoff.delay()
            log.warning("broker.away", error=str(exc), again_in=round(delay, 3))
            await asyncio.sleep(delay)
        else:
            return


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(redact_text(str(error)).split())}"
