"""The handler runs, within its time; what it returns becomes the replies."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import structlog

from wxbus.api.client import WeChatClient
from wxbus.errors import Reject, RetryLater
from wxbus.wechat import Event
from wxbus.wechat.events import UnsubscribeEvent
from wxbus.wechat.replies.event_response import response_document
from wxbus.wechat.replies.long_text import split_text
from wxbus.wechat.replies.reply import AnyReply, EventResponse, Success, Text
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.handlers.current_delivery import current_delivery
from wxbus_worker.handlers.injection import HandlerCall
from wxbus_worker.handlers.return_types import PASSIVE_ONLY, RULE, SENDABLE, UPLOADED
from wxbus_worker.handlers.route import Route
from wxbus_worker.handlers.uploads import MediaFile
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.replies.channels import refuse_undeliverable

log = structlog.stdlib.get_logger(__name__)


class CallHandler:
    """Calls the handler of the route."""

    def __init__(
        self,
        client_of: Callable[[str], WeChatClient],
        metrics: WorkerMetrics,
        *,
        time_limit: float,
    ) -> None:
        """`client_of` returns the client for an appid; `time_limit` is seconds for one run of a handler."""
        self._client_of = client_of
        self._metrics = metrics
        self._time_limit = time_limit
        self._told_of_unsubscribed: set[str] = set()
        """Handlers that replied to users who had unsubscribed."""

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest with the handler's replies; a message that no handler wants has none."""
        route = job.route
        if route is None:
            self._metrics.unhandled.inc()
            log.info("message.unhandled", message=type(job.message).__name__)
            job.replies = ()
        else:
            if job.suspected:
                log.warning("delivery.suspect_runs_alone", handler=route.name, message=type(job.message).__name__)
            call = HandlerCall(
                message=job.message,
                context=job.context,
                account=job.account,
                client_of=self._client_of,
                delivery=current_delivery(),
                groups=job.groups,
            )
            job.replies = self._to_send(job, route, await self._run(route, call))
        return await call_next(job)

    async def _run(self, route: Route, call: HandlerCall) -> object:
        limit = self._time_limit if route.time_limit is None else route.time_limit.total_seconds()
        deadline = asyncio.timeout(limit)
        task = asyncio.current_task()
        try:
            async with deadline:
                return await _uploaded(await route.handler(call), call.client)
        except TimeoutError as exc:
            if not deadline.expired():
                raise
            raise RetryLater(f"handler {route.name} took longer than {limit:g} s") from exc
        except asyncio.CancelledError as exc:
            if task is None or task.cancelling():
                raise
            # It awaited something that was cancelled: its failure, not the end of ours.
            raise RetryLater(f"handler {route.name} let a cancellation of its own out") from exc

    def _to_send(self, job: Job, route: Route, returned: object) -> tuple[AnyReply, ...]:
        replies = tuple(_sendable(job, route, returned))
        if replies and job.envelope.openid is None:
            log.warning("replies.no_user", handler=route.name, message=type(job.message).__name__)
            return ()
        if replies and isinstance(job.message, UnsubscribeEvent):
            if route.name not in self._told_of_unsubscribed:
                self._told_of_unsubscribed.add(route.name)
                log.warning("replies.unsubscribed", handler=route.name, meaning="WeChat delivers nothing any more")
            return ()
        refuse_undeliverable(replies, job.message, job.account, handler=route.name)
        return replies


def _answer(job: Job, route: Route, answer: EventResponse) -> dict[str, Any]:
    """Return the document of a handler's own answer to WeChat."""
    message = job.message
    if not isinstance(message, Event) or not job.account.is_synchronous(message.event):
        raise Reject(
            f"handler {route.name} returned an Answer to {type(message).__name__}, which account {job.account.name} "
            "has not among its synchronous events"
        )
    try:
        return response_document(answer, job.document)
    except ValueError as exc:
        raise Reject(f"handler {route.name}: {exc}") from exc


async def _uploaded(returned: object, client: WeChatClient) -> object:
    """Return the same with every file as the media that it has become."""
    if isinstance(returned, list | tuple):
        return [await _uploaded(one, client) for one in returned]
    return await cast("MediaFile", returned).uploaded(client) if isinstance(returned, UPLOADED) else returned


def _sendable(job: Job, route: Route, returned: object) -> Iterator[AnyReply]:
    """Yield the replies to send: nothing for None or `Success`, long text in parts. The job gets an `EventResponse`."""
    several = isinstance(returned, list | tuple)
    many = cast("Sequence[Any]", returned if several else (returned,))
    for one in many:
        if isinstance(one, Text):
            yield from map(Text, split_text(one.content))
        elif isinstance(one, (*SENDABLE, *PASSIVE_ONLY)):
            yield cast("AnyReply", one)
        elif isinstance(one, EventResponse):
            job.answer = _answer(job, route, one)
        elif one is not None and not isinstance(one, Success):
            inside = f"a {type(returned).__name__} with " if several else ""
            raise Reject(f"handler {route.name} returned {inside}{type(one).__name__}; {RULE}")
