"""Runs the handler within its time limit; its result becomes the replies."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace

import structlog
from pydantic import ValidationError

from wxbus.aio.timeout import Timeout
from wxbus.api.client import WeChatClient
from wxbus.api.sends import OBSERVER
from wxbus.errors import Reject, RetryLater
from wxbus.features import Features
from wxbus.telemetry import step
from wxbus.wechat import Message, RobotEvent, RobotMessage
from wxbus.wechat.events.users import UnsubscribeEvent
from wxbus.wechat.replies.fields import TITLE_PREFIX
from wxbus.wechat.replies.reply import AnyReply
from wxbus.wechat.replies.robot import joined
from wxbus_worker.context.context import Context, undo_changes
from wxbus_worker.delivery.job import Decoded, Handled, Routed
from wxbus_worker.delivery.returned import handled_of, uploaded
from wxbus_worker.handlers.call import HandlerCall
from wxbus_worker.handlers.current_delivery import current_delivery
from wxbus_worker.handlers.filters import NO_GROUPS
from wxbus_worker.handlers.robot_stream import RobotStream
from wxbus_worker.handlers.route import Route, code_of
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.handlers.skip import Skip
from wxbus_worker.handlers.undelivered import ReplyUndelivered, Undelivered
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.replies.channels import refuse_undeliverable
from wxbus_worker.replies.windows import Windows
from wxbus_worker.robots.answers import RobotAnswers

log = structlog.stdlib.get_logger(__name__)


class CallHandler:
    """Calls the handler of the route."""

    def __init__(
        self,
        routes: RouteTable,
        client_of: Callable[[str], WeChatClient],
        metrics: WorkerMetrics,
        *,
        time_limit: float,
        provided: Features,
        windows: Windows,
        robots: RobotAnswers | None = None,
    ) -> None:
        """Call handlers.

        Args:
            routes: For messages that a handler passes on.
            client_of: Returns the client for an appid.
            metrics: Counts messages without a handler.
            time_limit: Seconds for one run of a handler.
            provided: Objects that handlers can take by type besides those of the message.
            windows: Counts messages that handlers send with their client.
            robots: Streams the handlers' texts to members; None: a text is shown when its handler has ended.
        """
        self._windows = windows
        self._routes = routes
        self._client_of = client_of
        self._provided = provided
        self._metrics = metrics
        self._time_limit = time_limit
        self._robots = robots
        self._warned_of_unsubscribed: set[str] = set()
        """Handlers that replied to users who had unsubscribed."""

    def call_for(
        self, decoded: Decoded, message: Message, context: Context, error: Exception | None = None
    ) -> HandlerCall:
        """Return a call for the message, without the groups of a route; `error` for its `on_dead` handlers."""
        features = self._provided.copy()
        if isinstance(message, ReplyUndelivered):
            features[Undelivered] = Undelivered(message.reply, message.error)
        return HandlerCall(
            message=message,
            context=context,
            account=decoded.account,
            client_of=self._client_of,
            delivery=current_delivery(),
            groups=NO_GROUPS,
            features=features,
            error=error,
        )

    async def __call__(self, routed: Routed) -> Handled:
        """Return the handler's replies and answer; none if no handler matches.

        Raises:
            Exception: The handler's.
            RetryLater: The time limit has passed.
            Reject: The handler returned something that cannot be sent.
        """
        message, job = routed.message, routed.decoded.job
        route, call = routed.route, routed.call
        stream = await self._stream(routed)
        while route is not None:
            if job.suspected:
                log.warning("delivery.suspect_runs_alone", handler=route.name, message=type(message).__name__)
            try:
                async with self._showing(stream, routed):
                    handled = handled_of(await self._run(route, call), routed, route)
            except Skip:
                undo_changes(call.context)
                job.route, groups = await self._routes.find(call, after=route) or (None, NO_GROUPS)
                route, call = job.route, replace(call, groups=groups)
            except ValidationError as exc:
                if exc.title.startswith(TITLE_PREFIX):  # no attempt can succeed
                    raise Reject(f"handler {route.name}: {exc.title}: {_error_messages(exc)}") from exc
                raise
            else:
                replies = handled.replies if stream is None else _joined(handled.replies, stream, route)
                return Handled(self._deliverable(routed, route, replies), handled.answer)
        self._metrics.unhandled.inc()
        log.info("message.unhandled", message=type(message).__name__)
        return Handled()

    async def _stream(self, routed: Routed) -> RobotStream | None:
        """Return the text that answers a message or an event of a robot."""
        message = routed.message
        if not isinstance(message, RobotMessage | RobotEvent):
            return None
        stream = RobotStream()
        if isinstance(message, RobotMessage):
            routed.call.features[RobotStream] = stream
        if self._robots is not None:
            await self._robots.begin(message, routed.dedup_key, routed.decoded.job.caller)
        return stream

    def _showing(self, stream: RobotStream | None, routed: Routed) -> AbstractAsyncContextManager[None]:
        if stream is None or self._robots is None or not isinstance(routed.message, RobotMessage):
            return nullcontext()
        return self._robots.showing(stream, routed.dedup_key, routed.decoded.job.caller)

    async def _run(self, route: Route, call: HandlerCall) -> object:
        limit = self._time_limit if route.time_limit is None else route.time_limit.total_seconds()
        timeout = Timeout(limit)
        task = asyncio.current_task()
        token = OBSERVER.set(self._windows.observer(call.context, call.account))
        try:
            with step("worker.handler") as current, timeout:
                if current.recorded:
                    current.set(**code_of(route))
                return await uploaded(await route.handler(call), call)
        except TimeoutError as exc:
            if not timeout.expired:
                raise
            raise RetryLater(f"handler {route.name} took longer than {limit:g} s") from exc
        except asyncio.CancelledError as exc:
            if task is None or task.cancelling():
                raise
            # The handler awaited something that was cancelled; the job itself is not.
            raise RetryLater(f"handler {route.name} raised CancelledError") from exc
        finally:
            OBSERVER.reset(token)

    def _deliverable(self, routed: Routed, route: Route, replies: tuple[AnyReply, ...]) -> tuple[AnyReply, ...]:
        """Return the replies if they can reach the user, none for an event without a reachable user."""
        message, decoded = routed.message, routed.decoded
        openid = decoded.envelope.openid
        if not replies:
            return ()
        if openid is None:
            log.warning("replies.dropped_without_user", handler=route.name, message=type(message).__name__)
            return ()
        if isinstance(message, UnsubscribeEvent):
            if route.name not in self._warned_of_unsubscribed:
                self._warned_of_unsubscribed.add(route.name)
                log.warning("replies.dropped_after_unsubscribe", handler=route.name)
            return ()
        refuse_undeliverable(replies, message, decoded.account, openid, handler=route.name)
        return replies


def _joined(replies: tuple[AnyReply, ...], stream: RobotStream, route: Route) -> tuple[AnyReply, ...]:
    """Return the one reply of a robot: all texts, or a card."""
    try:
        return joined(replies, said=stream.text)
    except ValueError as exc:
        raise Reject(f"handler {route.name}: {exc}") from exc


def _error_messages(exc: ValidationError) -> str:
    """Return the errors, with the names of fields given by keyword, without their values."""
    errors = exc.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        ": ".join([*(one for one in error["loc"] if isinstance(one, str)), error["msg"]]) for error in errors
    )
