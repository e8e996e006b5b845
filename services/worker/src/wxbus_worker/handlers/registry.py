"""What a router is made of: its routes in order, those for the rest, and what stands around them."""

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
    """What a router can include: another, or a `MessageHandler`."""

    def as_router(self) -> "Registry":
        """Return it as a router."""
        ...


def router_of(handlers: Includable) -> "Registry":
    """Return it as a router, or raise ConfigurationError: a class of handlers is none before it is called."""
    if isinstance(handlers, type) or not hasattr(handlers, "as_router"):
        raise ConfigurationError(f"{handlers!r} is no Router and no object of a MessageHandler class")
    return handlers.as_router()


class Registry:
    """The part of a router that knows no types of message."""

    def __init__(self, name: str, features: Sequence[type], policy: ContextPolicy = DEFAULT_POLICY) -> None:
        self.name = name
        self.context_policy = policy
        """Of the router that a worker runs."""
        self.steps: list[Route | Registry] = []
        """Routes and included routers, in the order in which they are asked."""
        self.for_default: Route | None = None
        self.for_unknown: Route | None = None
        self.for_removed: list[Route] = []
        """Each of them gets every context that is removed."""
        self.layers: tuple[list[Middleware], list[ErrorHandler]] = ([], [])
        """Middleware and error handlers, outermost first."""
        self._features = tuple(features)

    def default(self, handler: H, /) -> H:
        """Register for whatever no other handler wants."""
        if self.for_default is not None:
            raise ConfigurationError(self._second("default", self.for_default, handler))
        self.for_default = self._route(handler, takes=Message)
        return handler

    def unknown(self, handler: H, /) -> H:
        """Register for what this version has no type for (`Unknown...`), if no route wants it; before the default."""
        if self.for_unknown is not None:
            raise ConfigurationError(self._second("handler for the unknown", self.for_unknown, handler))
        self.for_unknown = self._route(handler, takes=Message)
        return handler

    def context_removed(self, handler: H, /) -> H:
        """Register for contexts whose time is over: called once with the context that is being removed.

        It runs in the user's lane; a message that comes first keeps the context alive instead. All handlers registered
        here and in included routers run, in order. What they return is replied; if one fails, all are tried again.
        """
        self.for_removed.append(self._removal(handler))
        return handler

    def middleware(self, middleware: W, /) -> W:
        """Put this around every handler of this router and of those it includes; the first is outermost.

        It is called with the `HandlerCall` and the next step, and returns what is to be replied:
        `return await call_next(call)`.
        """
        awaitable = inspect.iscoroutinefunction(middleware)
        if not awaitable:
            raise ConfigurationError(f"middleware {name_of(middleware)} must be an `async def` function")
        self.layers[0].append(middleware)
        return middleware

    @overload
    def on_error(self, handler: H, /) -> H: ...

    @overload
    def on_error(self, kind: type[Exception], /) -> Callable[[H], H]: ...

    def on_error(self, handler: Any, /) -> Any:
        """Register for errors of handlers and middleware, here and in included routers: all, or those of one type.

        What it returns is replied, and the message is done; None: the error goes on, to the router around, then to the
        retry policy. What the handler changed in the context is undone. `RetryLater`, `Reject` and `Unavailable` pass.
        """
        if isinstance(handler, type) and issubclass(handler, Exception):
            return partial(self._add_error, handler)
        return self._add_error(Exception, handler)

    def include(self, other: Includable) -> None:
        """Have another router's routes here, after those registered before and before those to come."""
        router = router_of(other)
        if router is self or any(step is self for step in router.included()):
            raise ConfigurationError(f"router {self.name} cannot include {router.name}: it is included there")
        self.steps.append(router)

    def as_router(self) -> "Registry":
        """Return itself."""
        return self

    def add(
        self,
        handler: H,
        *,
        takes: type[Message],
        conditions: tuple[Condition, ...] = (),
        groups: frozenset[str] = frozenset(),
        threads: bool = False,
        **options: Unpack[RouteOptions],
    ) -> H:
        """Register a handler for what `conditions` want; the decorators are more pleasant.

        Raises:
            ConfigurationError: The handler cannot be called; the text names the parameter.
        """
        route = self._route(handler, takes=takes, conditions=conditions, groups=groups, threads=threads, **options)
        self.steps.append(route)
        return handler

    def included(self) -> Iterator["Registry"]:
        """Yield every router below this one."""
        for step in self.steps:
            if isinstance(step, Registry):
                yield step
                yield from step.included()

    def _route(
        self,
        handler: Callable[..., object],
        *,
        takes: type[Message],
        conditions: tuple[Condition, ...] = (),
        groups: frozenset[str] = frozenset(),
        threads: bool = False,
        **options: Unpack[RouteOptions],
    ) -> Route:
        offer = Injectables(messages=(takes,), groups=groups, features=self._features)
        bound = bind(handler, offer, threads=threads)
        check_options(name_of(handler), options)
        return Route(
            name=name_of(handler),
            takes=takes,
            conditions=conditions,
            handler=bound,
            storage=storage_of(handler),
            **options,
        )

    def _removal(self, handler: Callable[..., object], *, threads: bool = False) -> Route:
        bound = bind(handler, Injectables(features=self._features), threads=threads)
        return Route(name=name_of(handler), takes=Message, handler=bound, storage=storage_of(handler))

    def _add_error(self, kind: type[Exception], handler: H, *, threads: bool = False) -> H:
        offer = Injectables(messages=(Message,), features=self._features, error=kind)
        self.layers[1].append((kind, bind(handler, offer, threads=threads)))
        return handler

    def _second(self, what: str, first: Route, second: object) -> str:
        return f"router {self.name} has a {what} already, {first.name}: {name_of(second)} cannot be it, too"
