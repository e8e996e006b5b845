"""Turns errors into settlements, and settles each delivery."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import structlog
from opentelemetry.trace import SpanKind

from wxbus.aio.backoff import Backoff
from wxbus.bus.ports import Death, PublisherPort
from wxbus.errors import BrokerUnavailable, Reject, RetryLater, Unavailable, UnreadableEnvelope
from wxbus.runtime.logs import redact_text, redact_traceback
from wxbus.telemetry import step
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.settlement import Abandon, Done, Retry, Settlement, ToDeadLetters
from wxbus_worker.delivery.stage import Next
from wxbus_worker.delivery.tracebacks import below_stages, is_explained
from wxbus_worker.handlers.retry_policy import RetryPolicy
from wxbus_worker.replies.outbox import Outbox
from wxbus_worker.replies.passive import Answerer

PUBLISH_BUDGET: Final = 5.0
"""Seconds for one confirm of a retry or dead letter; then it is published again."""

log = structlog.stdlib.get_logger(__name__)


class Settle:
    """Settles each delivery exactly once: acknowledges it; after a failure it publishes a retry or dead letter first.

    A cancelled delivery is not settled: RabbitMQ redelivers it.
    """

    def __init__(
        self,
        publisher: PublisherPort,
        outbox: Outbox,
        answerer: Answerer,
        retries: RetryPolicy,
        *,
        on_dead: Callable[[Job, Exception], Awaitable[None]],
        pause: Callable[[float], Awaitable[object]],
    ) -> None:
        """Settle deliveries.

        Args:
            publisher: Publishes retries and dead letters.
            outbox: Sets replies aside.
            answerer: Answers ingress.
            retries: For routes without a policy of their own.
            on_dead: Is called before a message becomes a dead letter.
            pause: Waits for some seconds.
        """
        self._publisher = publisher
        self._outbox = outbox
        self._answerer = answerer
        self._retries = retries
        self._on_dead = on_dead
        self._pause = pause

    async def __call__(self, job: Job, call_next: Next[Job]) -> Settlement:
        """Run the rest, again for a message that blocks its lane, then act on the outcome."""
        settlement = await _outcome(job, call_next)
        while (wait := self._seconds_in_lane(job, settlement)) is not None:
            log.warning("delivery.blocks_lane", attempt=job.attempt, seconds=wait)
            await self._answerer.answer_nothing(job.caller)
            job.start_over()
            async with job.pause_lane():
                await self._pause(wait)
            settlement = await _outcome(job, call_next)
        if isinstance(settlement, Retry) and self._delay(job, settlement) is None:
            settlement = ToDeadLetters("attempts", settlement.error)
        if isinstance(settlement, ToDeadLetters):
            await self._on_dead(job, settlement.error)
        job.interruptible = True
        if job.abandoned:
            settlement = Abandon()
        match settlement:
            case Abandon():
                log.info("delivery.abandoned")
                return settlement
            case Retry():
                await self._answerer.answer_nothing(job.caller)
                await self._schedule_retry(job, settlement)
            case ToDeadLetters():
                await self._answerer.answer_nothing(job.caller)
                await self._dead_letter(job, settlement)
            case Done():
                pass
        try:
            with step("worker.ack"):
                await job.delivery.ack()
        except BrokerUnavailable as exc:
            # RabbitMQ redelivers it, and it is found to be a duplicate.
            log.info("delivery.not_acknowledged", reason=str(exc))
        return settlement

    def _delay(self, job: Job, retry: Retry) -> str | None:
        """Return the name of the delay before the next attempt, None if there is none."""
        return self._policy(job).delay_after(job.attempt, retry.after)

    def _seconds_in_lane(self, job: Job, settlement: Settlement) -> float | None:
        """Return the seconds before the next attempt while the lane waits, None if the lane does not wait."""
        if job.abandoned or not isinstance(settlement, Retry):
            return None
        return self._policy(job).blocked_after(job.attempt, settlement.after)

    def _policy(self, job: Job) -> RetryPolicy:
        return self._retries if job.route is None or job.route.retry is None else job.route.retry

    async def _schedule_retry(self, job: Job, retry: Retry) -> None:
        delay = self._delay(job, retry) or ""
        attempt = job.attempt
        log.warning("delivery.retry_scheduled", attempt=attempt, delay=delay, error=_one_line(retry.error))
        copy = replace(job.delivery.envelope().without_reply_to(), attempt=attempt + 1)
        with step("worker.retry", kind=SpanKind.PRODUCER, wxbus__delay=delay, wxbus__error=type(retry.error).__name__):
            await _until_confirmed(lambda: self._publisher.schedule_retry(copy, delay=delay, budget=PUBLISH_BUDGET))

    async def _dead_letter(self, job: Job, dead_letter: ToDeadLetters) -> None:
        death = Death(
            reason=dead_letter.reason,
            error=_one_line(dead_letter.error),
            traceback="" if is_explained(dead_letter.error) else redact_traceback(dead_letter.error),
            attempts=1 if dead_letter.reason == "unreadable" else job.attempt,
            died_at=time.time(),
            committed=None if job.sending is None else job.sending.dedup_key,
        )
        log.error("delivery.dead_lettered", reason=death.reason, attempts=death.attempts, error=death.error)
        with step("worker.dead_letter", kind=SpanKind.PRODUCER, wxbus__reason=death.reason):
            await _until_confirmed(lambda: self._publisher.dead_letter(job.delivery, death, budget=PUBLISH_BUDGET))
        if job.sending is not None:
            await self._outbox.set_unsent_aside(job.sending)


async def _outcome(job: Job, call_next: Next[Job]) -> Settlement:
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
            case Unavailable():  # its text is enough, a traceback adds nothing
                return Retry(exc)
        if not job.abandoned:
            log.exception("delivery.failed")
        return Retry(exc)


async def _until_confirmed(publish: Callable[[], Awaitable[None]]) -> None:
    """Publish until RabbitMQ confirms; a second copy is found to be a duplicate."""
    backoff = Backoff(first=0.05, longest=5.0)
    while True:
        try:
            await publish()
        except BrokerUnavailable as exc:
            delay = backoff.delay()
            log.warning("broker.unavailable", error=str(exc), retry_in=round(delay, 3))
            await asyncio.sleep(delay)
        else:
            return


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(redact_text(str(error)).split())}"
