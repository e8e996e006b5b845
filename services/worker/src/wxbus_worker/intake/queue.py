"""Takes requests from the queue of the installation: in order for each user, and none is lost."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import structlog

from wxbus.aio.backoff import Backoff
from wxbus.bus.ports import Death, PublisherPort
from wxbus.bus.request_queue import RequestDelivery
from wxbus.errors import Unavailable, UnknownAccount, UnreadableEnvelope
from wxbus.messages.requests import CancelRequest, EventRequest, SendRequest, parse_submission
from wxbus_worker.intake.intake import Intake
from wxbus_worker.metrics import WorkerMetrics

BUDGET: Final = 5.0
"""Seconds for the confirm of a dead letter."""

log = structlog.stdlib.get_logger(__name__)


class QueuedRequests:
    """Passes the requests of the queue to the intake; requests that it refuses become dead letters."""

    def __init__(self, intake: Intake, publisher: PublisherPort, metrics: WorkerMetrics) -> None:
        self._intake = intake
        self._publisher = publisher
        self._requests = metrics.requests

    async def __call__(self, deliveries: Sequence[RequestDelivery]) -> None:
        """Return when every request is in its lane, in the schedule or in the dead letters."""
        # By openid alone: one account may be named by its name and by its appid.
        users: dict[str, list[tuple[RequestDelivery, SendRequest | EventRequest | CancelRequest]]]
        users = defaultdict(list)
        async with asyncio.TaskGroup() as tasks:
            for delivery in deliveries:
                try:
                    request = parse_submission(delivery.message.body)
                except UnreadableEnvelope as exc:
                    tasks.create_task(self._dead_letter(delivery, exc))
                else:
                    users[request.openid].append((delivery, request))
            for requests in users.values():
                tasks.create_task(self._accept(requests))

    async def _accept(
        self, requests: Sequence[tuple[RequestDelivery, SendRequest | EventRequest | CancelRequest]]
    ) -> None:
        for delivery, request in requests:
            try:
                if isinstance(request, CancelRequest):
                    await self._intake.cancel(request)
                else:
                    await _until_available(partial(self._intake.accept, request))
            except UnknownAccount as exc:
                await self._dead_letter(delivery, exc)
            else:
                self._requests.labels("accepted").inc()

    async def _dead_letter(self, delivery: RequestDelivery, error: Exception) -> None:
        log.error("request.dead_lettered", reason=str(error))
        self._requests.labels("dead_lettered").inc()
        death = Death(reason="unreadable", error=f"{type(error).__name__}: {error}", attempts=1, died_at=time.time())
        await _until_available(lambda: self._publisher.dead_letter(delivery, death, budget=BUDGET))


async def _until_available(work: Callable[[], Awaitable[object]]) -> None:
    backoff = Backoff(first=0.05, longest=5.0)
    while True:
        try:
            await work()
        except Unavailable as exc:
            delay = backoff.delay()
            log.warning("request.waits", reason=str(exc), retry_in=round(delay, 3))
            await asyncio.sleep(delay)
        else:
            return
