"""The part of a router that does not depend on types of message: routes in order, fallbacks, middleware, errors."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, Protocol, TypeVar, Unpack, overload

from wxbus.errors import ConfigurationError
from wxbus.wechat import Message
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.handlers.filters import Condition
from wxbus_worker.handlers.injection import Handler, Injectables, bind, name_of, storage_of
from wxbus_worker.handlers.middleware import ErrorHandler, Middleware
from wxbus_worker.handlers.route import Route, RouteOptions, check_options

DEFAULT_POLICY: Final = ContextPolicy()

H = TypeVar("H", bound=Handler)
W = TypeVar("W", bound=Middleware)


class Includable(Protocol):
    """What a router can include: another router, or a `MessageHandler`."""

    def as_router(self) -> "BaseRouter":
        """Return it as a router."""
        ...


def router_of(handlers: Includable) -> "BaseRouter":
    """Return it as a router, or raise ConfigurationError."""
    if isinstance(handlers, type) or not hasattr(handlers, "as_router"):
        raise ConfigurationError(f"{handlers!r} must be a Router or an instance of a MessageHandler class")
    return handlers.as_router()


class BaseRouter:
    """Routes of one topic, in order, with what runs around them."""

    def __init__(self, name: str, features: Sequence[type] = (), policy: ContextPolicy = DEFAULT_POLICY) -> None:
        self.name = name
        self.context_policy = policy
        """Applies if the worker runs this router itself."""
        self.entries: list[Route | BaseRouter] = []
        """Routes and included routers, in the order of matching."""
        self.default_route: Route | None = None
        self.unknown_route: Route | None = None
        self.removal_routes: list[Route] = []
        """Each of them gets every removed context."""
        self.middlewares: list[Middleware] = []
        """The first is outermost."""
        self.error_handlers: list[ErrorHandler] = []
        self.features = tuple(features)

    @overload
    def default(self, handler: H, /) -> H: ...

    @overload
    def default(self, **options: Unpack[RouteOptions]) -> Callable[[H], H]: ...

    def default(self, *handler: Any, **options: Any) -> Any:
        """Register for messages that no other route matches: `@router.default` or `@router.default(retry=...)`."""

        def register(handler: H) -> H:
            self.default_route = self._only("default", self.default_route, handler, **options)
            return handler

        return register(*handler) if handler else register

    @overload
    def unknown(self, handler: H, /) -> H: ...

    @overload
    def unknown(self, **options: Unpack[RouteOptions]) -> Callable[[H], H]: ...

    def unknown(self, *handler: Any, **options: Any) -> Any:
        """Register for messages without a type in this version (`Unknown...`), if no route matches; before the default.

        Like `default`, it takes the options of a route.
        """

        def register(handler: H) -> H:
            self.unknown_route = self._only("handler for unknown messages", self.unknown_route, handler, **options)
            return handler

        return register(*handler) if handler else register

    def context_removed(self, handler: H, /) -> H:
        """Register for expired contexts. It is called once with each context that is being removed.

        It runs in the user's lane; a message that comes first keeps the context. All handlers registered here and in
        included routers run, in order. What they return is sent; if one fails, all are tried again.
        """
        bound = bind(handler, Injectables(features=self.features))
        route = Route(name=name_of(handler), message_type=Message, handler=bound, storage=storage_of(handler))
        self.removal_routes.append(route)
        return handler

    def middleware(self, middleware: W, /) -> W:
        """Run this around every handler of this router and of those it includes; the first is outermost.

        It is called with the `HandlerCall` and the next step, and returns the replies: `return await call_next(call)`.
        """
        is_async = inspect.iscoroutinefunction(middleware)  # in the condition it would change the type
        if not is_async:
            raise ConfigurationError(f"middleware {name_of(middleware)} must be an `async def` function")
        self.middlewares.append(middleware)
        return middleware

    @overload
    def on_error(self, handler: H, /) -> H: ...

    @overload
    def on_error(self, kind: type[Exception], /) -> Callable[[H], H]: ...

    def on_error(self, handler: Any, /) -> Any:
        """Register for errors of handlers and middleware, here and in included routers: all, or those of one type.

        What it returns is sent, and the message is done. With None the error goes on to the including router, then to
        the retry policy. The handler's changes to the context are undone. `RetryLater`, `Reject` and `Unavailable` are
        not passed to it.
        """
        if isinstance(handler, type) and issubclass(handler, Exception):
            return partial(self._add_error_handler, handler)
        return self._add_error_handler(Exception, handler)

    def include(self, other: Includable) -> None:
        """Match another router's routes at this place, after those registered before."""
        router = router_of(other)
        if router is self or any(entry is self for entry in router.included()):
            raise ConfigurationError(f"router {self.name} cannot include {router.name}, which includes it")
        self.entries.append(router)

    def as_router(self) -> "BaseRouter":
        """Return itself."""
        return self

    def add(
        self,
        handler: H,
        *,
        message_type: type[Message],
        conditions: tuple[Condition, ...] = (),
        groups: frozenset[str] = frozenset(),
        **options: Unpack[RouteOptions],
    ) -> H:
        """Register a handler for messages that match all conditions. The decorators call this.

        Raises:
            ConfigurationError: The handler cannot be called; the text names the parameter.
        """
        self.entries.append(self._route(handler, message_type, conditions, groups, **options))
        return handler

    def included(self) -> Iterator["BaseRouter"]:
        """Yield every router below this one."""
        for entry in self.entries:
            if isinstance(entry, BaseRouter):
                yield entry
                yield from entry.included()

    def _route(
        self,
        handler: Handler,
        message_type: type[Message],
        conditions: tuple[Condition, ...] = (),
        groups: frozenset[str] = frozenset(),
        **options: Unpack[RouteOptions],
    ) -> Route:
        injectables = Injectables(messages=(message_type,), groups=groups, features=self.features)
        bound = bind(handler, injectables)
        check_options(name_of(handler), options)
        return Route(
            name=name_of(handler),
            message_type=message_type,
            conditions=conditions,
            handler=bound,
            storage=storage_of(handler),
            **options,
        )

    def _only(self, what: str, first: Route | None, handler: Handler, **options: Unpack[RouteOptions]) -> Route:
        if first is not None:
            raise ConfigurationError(
                f"router {self.name} already has a {what}, {first.name}; {name_of(handler)} cannot be another"
            )
        return self._route(handler, Message, **options)

    def _add_error_handler(self, kind: type[Exception], handler: H) -> H:
        injectables = Injectables(messages=(Message,), features=self.features, error=kind)
        self.error_handlers.append((kind, bind(handler, injectables)))
        return handler
