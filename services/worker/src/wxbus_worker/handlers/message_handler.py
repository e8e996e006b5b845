"""Handlers as the methods of a class, as in Senparc and WeRoBot.

    class Shop(MessageHandler):
        async def on_text(self, message: TextMessage) -> reply.Text: ...

    router.include(Shop())  # or directly: `python -m wxbus_worker --app mybot.handlers:Shop`

Methods get their arguments by type, as other handlers do. One object handles all messages concurrently: do not keep
data of one message in `self`.
"""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar, Unpack

from wxbus.errors import ConfigurationError
from wxbus.sockets.signals import CONNECTED, DISCONNECTED, MESSAGE_PREFIX
from wxbus.wechat import Event, Message, model_named, model_of
from wxbus_worker.context.context import DEFAULT_EXPIRE_AFTER, DEFAULT_MAX_RECORD_COUNT, ContextPolicy
from wxbus_worker.context.contexts import Contexts
from wxbus_worker.context.expired import ContextExpired
from wxbus_worker.context.storage import StorageModel
from wxbus_worker.handlers import filters
from wxbus_worker.handlers.base_router import BaseRouter
from wxbus_worker.handlers.call import CallNext, HandlerCall
from wxbus_worker.handlers.hints import Handler, name_of
from wxbus_worker.handlers.injection import Injectables, bind
from wxbus_worker.handlers.middleware import Middleware
from wxbus_worker.handlers.retry_policy import RetryPolicy
from wxbus_worker.handlers.route import Dedup, RouteOptions
from wxbus_worker.handlers.signal import Signal
from wxbus_worker.handlers.undelivered import ReplyUndelivered

HOOKS: Final = ("on_executing", "on_executed")
NO_MESSAGE: Final = frozenset({*HOOKS, "on_unknown", "on_context_removed", "on_error", "on_dead", "on_undelivered"})
"""Methods whose names do not name a type of message."""
EXECUTED_TIMEOUT: Final = 5.0
"""Seconds for `on_executed`, which also runs after the handler's time limit."""
OPTIONS: Final = "__wxbus_options__"
"""Attribute that holds a method's options."""

SOCKETS: Final = {
    "connecting": filters.field(Signal, "name", CONNECTED),
    "message": filters.prefix(Signal, "name", MESSAGE_PREFIX),
    "disconnected": filters.field(Signal, "name", DISCONNECTED),
}
"""Conditions of the methods of a `SocketHandler`."""

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a handler ended; for `on_executed`."""

    returned: object
    """The result of the method: replies or None."""
    error: BaseException | None
    """The error that it raised; `CancelledError` after its time limit."""


def options(**given: Unpack[RouteOptions]) -> Callable[[F], F]:
    """Set the options of one method: `@options(time_limit=timedelta(seconds=5))`."""

    def mark(method: F) -> F:
        setattr(method, OPTIONS, given)
        return method

    return mark


class MessageHandler:
    """Base of handlers in class form. All methods are optional; methods without `async` run in threads.

    `on_text`, `on_image`, `on_voice`, `on_video`, `on_short_video`, `on_location`, `on_link`, `on_file`,
    `on_mini_program_page`, `on_device_text`, `on_device_event`, `on_device_status`, `on_hardware`: one type of message.
    `on_kf_<type>`, `on_robot_<type>`: one type of message of WeChat Customer Service, or to a robot.
    `on_event`, `on_event_<name>`: all events, or one event, by WeChat's name in lower case, with WeCom's type of change
    appended. `on_signal_<name>`: signals of this name. `default_response`: messages that no other method handles.
    `on_unknown`: messages without a type in wxbus.

    Like the decorators of `Router`: `on_context_removed` (an expired context), `on_error` (replies in place of a
    retry), `on_dead` (after the last failure) and `on_undelivered` (a reply that WeChat did not take).

    `on_executing` runs before each of them except `on_error`. If it returns replies, they are sent and the method is
    not called; before `on_context_removed`, `on_dead` and `on_undelivered` they are ignored. `on_executed` always runs
    after the method and may take its `Outcome`.
    """

    features: tuple[type, ...] = ()
    """Types that middleware of the including router sets: methods may take them."""
    expire_after: timedelta = DEFAULT_EXPIRE_AFTER
    """This and the next two apply if the worker runs this object itself, like those of a `Router`."""
    max_record_count: int = DEFAULT_MAX_RECORD_COUNT
    storage: StorageModel | None = None
    retry: RetryPolicy | None = None
    """This and the next two apply to methods without such `options`; None: the worker's settings."""
    time_limit: timedelta | None = None
    dedup: Dedup = True
    """May be a method: `def dedup(self, message: Message) -> bool`."""

    def as_router(self) -> BaseRouter:
        """Return a router with this object's methods.

        Raises:
            ConfigurationError: A method cannot be called, or its name is not that of a type of message.
        """
        policy = ContextPolicy(self.expire_after, self.max_record_count, self.storage)
        router = BaseRouter(type(self).__qualname__, self.features, policy)
        names = [name for name in dir(self) if name.startswith("on_") and name not in NO_MESSAGE]
        matches = {name: _match_of(self, name) for name in names}
        # A type before its base: `on_short_video` before `on_video`.
        for name in sorted(names, key=lambda name: (-len(matches[name][0].__mro__), not matches[name][1], name)):
            message_type, conditions = matches[name]
            method = getattr(self, name)
            router.add(method, message_type=message_type, conditions=conditions, **self._options(method))
        if default := getattr(self, "default_response", None):
            router.default(**self._options(default))(default)
        if unknown := getattr(self, "on_unknown", None):
            router.unknown(**self._options(unknown))(unknown)
        if removed := getattr(self, "on_context_removed", None):
            router.context_removed(removed)
        if failed := getattr(self, "on_error", None):
            router.on_error(failed)
        if dead := getattr(self, "on_dead", None):
            router.on_dead(dead)
        if lost := getattr(self, "on_undelivered", None):
            router.on_undelivered(lost)
        executing, executed = (getattr(self, name, None) for name in HOOKS)
        if executing or executed:
            router.middlewares.append(_hooks(executing, executed, self.features))
        return router

    async def restore(self, contexts: Contexts) -> int:
        """Drop the contexts of all users and return their number: Senparc's name of `Contexts.drop_all`."""
        return await contexts.drop_all()

    def _options(self, method: Callable[..., object]) -> RouteOptions:
        given: RouteOptions = {"dedup": self.dedup}
        if self.retry is not None:
            given["retry"] = self.retry
        if self.time_limit is not None:
            given["time_limit"] = self.time_limit
        own: RouteOptions = getattr(method, OPTIONS, RouteOptions())
        return {**given, **own}


class SocketHandler(MessageHandler):
    """Base of handlers of WebSockets in class form.

    `on_connecting`, `on_message` and `on_disconnected`: the opening of a connection, all its messages, and its end. A
    message is a `Signal` whose name has the prefix `socket:`.
    """


def _hooks(executing: Handler | None, executed: Handler | None, features: Sequence[type]) -> Middleware:
    """Return middleware that calls `on_executing` and `on_executed`."""
    injectables = Injectables(messages=(Message,), features=features)
    with_outcome = Injectables(messages=(Message,), features=(*features, Outcome))
    before = bind(executing, injectables) if executing else None
    after = bind(executed, with_outcome, replies=False) if executed else None

    async def hooks(call: HandlerCall, call_next: CallNext) -> object:
        returned: object = None
        error: BaseException | None = None
        try:
            if before is not None:
                returned = await before(call)
            if call.error is not None or isinstance(call.message, ContextExpired | ReplyUndelivered):
                returned = None  # there is no message to reply to
            if returned is None:
                returned = await call_next(call)
        except BaseException as exc:
            error = exc
            raise
        finally:
            if after is not None:
                call.features[Outcome] = Outcome(returned, error)
                async with asyncio.timeout(EXECUTED_TIMEOUT):
                    await after(call)
        return returned

    return hooks


def _match_of(handler: MessageHandler, name: str) -> tuple[type[Message], tuple[filters.Condition, ...]]:
    """Return the type and conditions of the messages that the method of this name handles."""
    if not inspect.isroutine(getattr(handler, name)):
        raise ConfigurationError(f"{name_of(type(handler))}.{name} must be a method")
    what = name.removeprefix("on_")
    if what == "event":
        return Event, ()
    if what.startswith("event_"):
        event = what.removeprefix("event_")
        known = model_named(what) or model_of(f"component:{event}")
        return (known, ()) if known else (Event, (filters.event_name(event),))
    if what in SOCKETS:
        return Signal, SOCKETS[what]
    if what.startswith("signal_"):
        return Signal, filters.field(Signal, "name", what.removeprefix("signal_"))
    model = model_named(what) or model_of(what.replace("_", ""))
    if model is None:
        raise ConfigurationError(
            f"{name_of(type(handler))}.{name}: {what!r} is not a type of message; methods for events are "
            f"called on_event_<name>"
        )
    return model, ()
