"""Middleware, error handlers, and hooks for removed contexts, dead letters and undelivered replies."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, overload

from wxbus.errors import ConfigurationError
from wxbus.wechat import Message
from wxbus_worker.handlers.hints import Handler, name_of, storage_of
from wxbus_worker.handlers.injection import Injectables, bind
from wxbus_worker.handlers.middleware import ErrorHandler, Middleware
from wxbus_worker.handlers.resources import Resources
from wxbus_worker.handlers.route import Route
from wxbus_worker.handlers.undelivered import Undelivered

H = TypeVar("H", bound=Handler)
W = TypeVar("W", bound=Middleware)


class Hooks(Resources):
    """The part of a router that does not handle messages of users."""

    def __init__(self) -> None:
        super().__init__()
        self.removal_routes: list[Route] = []
        """Each of them gets every removed context."""
        self.dead_routes: list[Route] = []
        """Each of them gets every dead letter whose handler failed."""
        self.undelivered_routes: list[Route] = []
        """Each of them gets every undelivered reply."""
        self.middlewares: list[Middleware] = []
        """The first is outermost."""
        self.error_handlers: list[ErrorHandler] = []

    def context_removed(self, handler: H, /) -> H:
        """Register for expired contexts. It is called once with each context that is being removed.

        It runs in the user's lane; a message that comes first keeps the context. All handlers registered here and in
        included routers run, in order. Their replies are sent; if one fails, all are retried.
        """
        self.removal_routes.append(self._hook(handler, Injectables(features=self.can_take)))
        return handler

    def on_dead(self, handler: H, /) -> H:
        """Register for messages that become dead letters because their handler failed for the last time.

        It may take the message and the error (`Exception`), and notify the user: its replies are sent. All handlers
        registered here and in included routers run, in order; together they have the time limit of one handler. If one
        fails, this is logged. Their changes to the context are stored; those of the failed handler are not.
        """
        injectables = Injectables(messages=(Message,), features=self.can_take, error=Exception)
        self.dead_routes.append(self._hook(handler, injectables))
        return handler

    def on_undelivered(self, handler: H, /) -> H:
        """Register for replies that WeChat refuses or that no message can carry; it takes `Undelivered`.

        It runs in the user's lane; its replies are sent, once for each undelivered reply. Without such a handler the
        reply becomes a dead letter. All handlers registered here and in included routers run, in order.
        """
        self.undelivered_routes.append(self._hook(handler, Injectables(features=(*self.can_take, Undelivered))))
        return handler

    def middleware(self, middleware: W, /) -> W:
        """Run this around every handler of this router and of included routers; the first middleware is outermost.

        It is called with the `HandlerCall` and the next step, and returns the replies: `return await call_next(call)`.
        """
        is_async = inspect.iscoroutinefunction(middleware)  # in the condition it would change the type
        if not is_async:
            raise ConfigurationError(f"middleware {name_of(middleware)} must be an `async def` function")
        self.middlewares.append(middleware)
        return middleware

    @overload
    def on_error(self, kind: type[Exception], /) -> Callable[[H], H]: ...

    @overload
    def on_error(self, handler: H, /) -> H: ...

    def on_error(self, handler: Any, /) -> Any:
        """Register for errors of handlers and middleware, here and in included routers: all, or those of one type.

        Its replies are sent, and the message is done. If it returns None, the error is passed to the including router,
        then to the retry policy. The handler's changes to the context are undone. `RetryLater`, `Reject` and
        `Unavailable` are not passed to it.
        """
        if isinstance(handler, type) and issubclass(handler, Exception):
            return partial(self._add_error_handler, handler)
        return self._add_error_handler(Exception, handler)

    def _hook(self, handler: Handler, injectables: Injectables) -> Route:
        bound = bind(handler, injectables)
        return Route(name=name_of(handler), message_type=Message, handler=bound, storage=storage_of(handler))

    def _add_error_handler(self, kind: type[Exception], handler: H) -> H:
        injectables = Injectables(messages=(Message,), features=self.can_take, error=kind)
        self.error_handlers.append((kind, bind(handler, injectables)))
        return handler
