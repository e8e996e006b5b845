"""Handlers as the methods of a class, for those who come from Senparc or WeRoBot.

    class Shop(MessageHandler):
        async def on_text(self, message: TextMessage) -> reply.Text: ...

    router.include(Shop())  # or as it is: `python -m wxbus_worker --app mybot.handlers:Shop`

A method takes what it names by type, as any handler does. One object serves all messages at once: what belongs to one
message is in the arguments, never in `self`.
"""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar, Unpack

from wxbus.errors import ConfigurationError
from wxbus.wechat import Event, Message, model_of
from wxbus_worker.context.context import DEFAULT_EXPIRE_AFTER, DEFAULT_MAX_RECORD_COUNT, ContextPolicy
from wxbus_worker.context.expired import ContextExpired
from wxbus_worker.context.storage import StorageModel
from wxbus_worker.handlers import filters as want
from wxbus_worker.handlers.injection import CallNext, HandlerCall, Injectables, bind, name_of
from wxbus_worker.handlers.registry import Registry
from wxbus_worker.handlers.retry_policy import RetryPolicy
from wxbus_worker.handlers.route import Dedup, Route, RouteOptions

HOOKS: Final = ("on_executing", "on_executed")
NO_MESSAGE: Final = frozenset({*HOOKS, "on_unknown", "on_context_removed", "on_error"})
"""Methods whose names do not say what message they take."""
LAST_WORDS: Final = 5.0
"""Seconds for `on_executed`: it also runs when the time of the handler is over."""
OPTIONS: Final = "__wxbus_options__"
"""Attribute of a method that has options of its own."""

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a handler ended; for `on_executed`."""

    returned: object
    """What the method returned: replies or None."""
    error: BaseException | None
    """What it raised; `CancelledError` if its time was over."""


def options(**given: Unpack[RouteOptions]) -> Callable[[F], F]:
    """Say how one method is run: `@options(time_limit=timedelta(seconds=5))`."""

    def mark(method: F) -> F:
        setattr(method, OPTIONS, given)
        return method

    return mark


class MessageHandler:
    """Base of handlers in class form. All methods may be missing; plain ones run in threads.

    `on_text`, `on_image`, `on_voice`, `on_video`, `on_short_video`, `on_location`, `on_link`, `on_file`,
    `on_mini_program_page`, `on_device_text`, `on_device_event`, `on_device_status`, `on_hardware`: one type of message.
    `on_event`, `on_event_<name>`: all events, or one, by WeChat's name in small letters. `default_response`: what no
    other method takes. `on_unknown`: what wxbus has no type for.

    `on_context_removed` is called with a context whose time is over. `on_error` may answer in place of a retry, like
    `Router.on_error`.

    `on_executing` runs before any of them; what it returns, if not None, is replied in place of it, except in place of
    `on_context_removed`. `on_executed` runs
    after it, whatever happened, and may take its `Outcome`.
    """

    features: tuple[type, ...] = ()
    """Types that middleware of the router around leaves: methods may take them."""
    expire_after: timedelta = DEFAULT_EXPIRE_AFTER
    """Of contexts, as the two below: like a `Router`'s, for a worker that runs this object itself."""
    max_record_count: int = DEFAULT_MAX_RECORD_COUNT
    storage: StorageModel | None = None
    retry: RetryPolicy | None = None
    """Of all methods, as the two below, for which `options` says nothing else; None: the worker's own."""
    time_limit: timedelta | None = None
    dedup: Dedup = True
    """May be a method: `def dedup(self, message: Message) -> bool`."""

    def as_router(self) -> Registry:
        """Return a router with this object's methods.

        Raises:
            ConfigurationError: A method cannot be called, or handles nothing that there is; the text names it.
        """
        policy = ContextPolicy(self.expire_after, self.max_record_count, self.storage)
        router = _ClassRouter(type(self).__qualname__, self.features, policy)
        names = [name for name in dir(self) if name.startswith("on_") and name not in NO_MESSAGE]
        wanted = {name: _wanted(self, name) for name in names}
        # A type before its base: `on_short_video` before `on_video`.
        for name in sorted(names, key=lambda name: (-len(wanted[name][0].__mro__), not wanted[name][1], name)):
            takes, conditions = wanted[name]
            method = getattr(self, name)
            router.add(method, takes=takes, conditions=conditions, threads=True, **self._options(method))
        if default := getattr(self, "default_response", None):
            router.for_default = router.for_rest(default, self._options(default))
        if unknown := getattr(self, "on_unknown", None):
            router.for_unknown = router.for_rest(unknown, self._options(unknown))
        if removed := getattr(self, "on_context_removed", None):
            router.for_removed.append(router.removal(removed))
        if failed := getattr(self, "on_error", None):
            router.failure(failed)
        executing, executed = (getattr(self, name, None) for name in HOOKS)
        if executing or executed:
            router.surround(executing, executed)
        return router

    def _options(self, method: Callable[..., object]) -> RouteOptions:
        given: RouteOptions = {"dedup": self.dedup}
        if self.retry is not None:
            given["retry"] = self.retry
        if self.time_limit is not None:
            given["time_limit"] = self.time_limit
        own: RouteOptions = getattr(method, OPTIONS, RouteOptions())
        return {**given, **own}


class _ClassRouter(Registry):
    """Registers plain methods, too."""

    def for_rest(self, method: Callable[..., object], options: RouteOptions) -> Route:
        return self._route(method, takes=Message, threads=True, **options)

    def removal(self, method: Callable[..., object]) -> Route:
        return self._removal(method, threads=True)

    def failure(self, method: Callable[..., Any]) -> None:
        self._add_error(Exception, method, threads=True)

    def surround(self, executing: Callable[..., object] | None, executed: Callable[..., object] | None) -> None:
        offer = Injectables(messages=(Message,), features=self._features)
        after = Injectables(messages=(Message,), features=(*self._features, Outcome))
        before = None if executing is None else bind(executing, offer, threads=True)
        told = None if executed is None else bind(executed, after, threads=True, replies=False)
        self.layers[0].append(_around(before, told))


def _around(before: CallNext | None, after: CallNext | None) -> Callable[[HandlerCall, CallNext], Any]:
    async def around(call: HandlerCall, call_next: CallNext) -> object:
        returned: object = None
        error: BaseException | None = None
        try:
            if before is not None:
                returned = await before(call)
            if isinstance(call.message, ContextExpired):
                returned = None  # the user wrote nothing: there is nothing to reply to
            if returned is None:
                returned = await call_next(call)
        except BaseException as exc:
            error = exc
            raise
        finally:
            if after is not None:
                call.features[Outcome] = Outcome(returned, error)
                async with asyncio.timeout(LAST_WORDS):
                    await after(call)
        return returned

    return around


def _wanted(handler: MessageHandler, name: str) -> tuple[type[Message], tuple[want.Condition, ...]]:
    """Return what the method of this name handles."""
    if not inspect.isroutine(getattr(handler, name)):
        raise ConfigurationError(f"{name_of(type(handler))}.{name} is no method")
    what = name.removeprefix("on_")
    if what == "event":
        return Event, ()
    if what.startswith("event_"):
        event = what.removeprefix("event_")
        known = model_of(f"event:{event}") or model_of(f"component:{event}")
        return (known, ()) if known else (Event, (want.event_name(event),))
    model = model_of(what) or model_of(what.replace("_", ""))
    if model is None:
        raise ConfigurationError(
            f"{name_of(type(handler))}.{name}: there is no type of message {what!r}; methods for events are "
            f"called on_event_<name>"
        )
    return model, ()
