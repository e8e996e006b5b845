"""Runs the handler within its time limit; what it returns becomes the replies."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import structlog

from wxbus.accounts.models import Account
from wxbus.api.client import WeChatClient
from wxbus.errors import Reject, RetryLater
from wxbus.wechat import Event
from wxbus.wechat.documents.document import Document
from wxbus.wechat.events import UnsubscribeEvent
from wxbus.wechat.replies.event_response import response_document
from wxbus.wechat.replies.long_text import split_text
from wxbus.wechat.replies.reply import AnyReply, EventResponse, Success, Text
from wxbus_worker.delivery.job import Handled, Routed
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
        self._warned_of_unsubscribed: set[str] = set()
        """Handlers that replied to users who had unsubscribed."""

    async def __call__(self, routed: Routed) -> Handled:
        """Return what the handler wants to be sent; nothing if no handler matches.

        Raises:
            Exception: The handler's.
            RetryLater: The time limit has passed.
            Reject: The handler returned something that cannot be sent.
        """
        route, message = routed.route, routed.message
        if route is None:
            self._metrics.unhandled.inc()
            log.info("message.unhandled", message=type(message).__name__)
            return Handled()
        if routed.decoded.job.suspected:
            log.warning("delivery.suspect_runs_alone", handler=route.name, message=type(message).__name__)
        call = HandlerCall(
            message=message,
            context=routed.opened.context,
            account=routed.decoded.account,
            client_of=self._client_of,
            delivery=current_delivery(),
            groups=routed.groups,
        )
        handled = _handled(routed, route, await self._run(route, call))
        return Handled(self._deliverable(routed, route, handled.replies), handled.answer)

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
            # The handler awaited something that was cancelled; the job itself is not.
            raise RetryLater(f"handler {route.name} raised CancelledError") from exc

    def _deliverable(self, routed: Routed, route: Route, replies: tuple[AnyReply, ...]) -> tuple[AnyReply, ...]:
        """Return the replies if they can reach the user, none for an event without a reachable user."""
        message, decoded = routed.message, routed.decoded
        if replies and decoded.envelope.openid is None:
            log.warning("replies.dropped_without_user", handler=route.name, message=type(message).__name__)
            return ()
        if replies and isinstance(message, UnsubscribeEvent):
            if route.name not in self._warned_of_unsubscribed:
                self._warned_of_unsubscribed.add(route.name)
                log.warning("replies.dropped_after_unsubscribe", handler=route.name)
            return ()
        refuse_undeliverable(replies, message, decoded.account, handler=route.name)
        return replies


async def _uploaded(returned: object, client: WeChatClient) -> object:
    """Upload each file; return the same with the media in place of the files."""
    if isinstance(returned, list | tuple):
        return [await _uploaded(one, client) for one in returned]
    return await cast("MediaFile", returned).upload(client) if isinstance(returned, UPLOADED) else returned


def _handled(routed: Routed, route: Route, returned: object) -> Handled:
    """Sort what a handler returned: None and `Success` are nothing, long text becomes several replies."""
    several = isinstance(returned, list | tuple)
    replies: list[AnyReply] = []
    answer: dict[str, Any] | None = None
    for one in cast("Sequence[Any]", returned if several else (returned,)):
        if isinstance(one, Text):
            replies.extend(map(Text, split_text(one.content)))
        elif isinstance(one, (*SENDABLE, *PASSIVE_ONLY)):
            replies.append(cast("AnyReply", one))
        elif isinstance(one, EventResponse):
            answer = _answer_document(routed, routed.decoded.account, routed.decoded.job.document, route, one)
        elif one is not None and not isinstance(one, Success):
            inside = f"a {type(returned).__name__} with " if several else ""
            raise Reject(f"handler {route.name} returned {inside}{type(one).__name__}; {RULE}")
    return Handled(tuple(replies), answer)


def _answer_document(
    routed: Routed, account: Account, document: Document, route: Route, answer: EventResponse
) -> dict[str, Any]:
    """Return the document of a handler's own answer to WeChat."""
    message = routed.message
    if not isinstance(message, Event) or not account.is_synchronous(message.event):
        raise Reject(
            f"handler {route.name} returned an Answer to {type(message).__name__}, which is not listed under "
            f"`synchronous` of account {account.name}"
        )
    try:
        return response_document(answer, document)
    except ValueError as exc:
        raise Reject(f"handler {route.name}: {exc}") from exc
