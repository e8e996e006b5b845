"""The part of a router that does not depend on types of message: routes in order, and fallbacks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar, Unpack, cast, overload

from wxbus.errors import ConfigurationError
from wxbus.wechat import Message
from wxbus_worker.context.context import ContextPolicy
from wxbus_worker.context.slices import Slice
from wxbus_worker.handlers import filters
from wxbus_worker.handlers.filters import Condition, OneOrMore, When
from wxbus_worker.handlers.hints import Handler, name_of, source_of, storage_of
from wxbus_worker.handlers.hooks import Hooks
from wxbus_worker.handlers.injection import Injectables, bind
from wxbus_worker.handlers.route import Route, RouteOptions, check_options

DEFAULT_POLICY: Final = ContextPolicy()

H = TypeVar("H", bound=Handler)


class Includable(Protocol):
    """An object that a router can include: another router, or a `MessageHandler`."""

    def as_router(self) -> "BaseRouter":
        """Return it as a router."""
        ...


def router_of(handlers: Includable) -> "BaseRouter":
    """Return it as a router, or raise ConfigurationError."""
    if isinstance(handlers, type) or not hasattr(handlers, "as_router"):
        raise ConfigurationError(f"{handlers!r} must be a Router or an instance of a MessageHandler class")
    return handlers.as_router()


class BaseRouter(Hooks):
    """Routes of one topic, in order, with their middleware and hooks."""

    def __init__(
        self,
        name: str,
        features: Sequence[type] = (),
        policy: ContextPolicy = DEFAULT_POLICY,
        *,
        account: OneOrMore | None = None,
        part: Slice | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.features = tuple(features)
        self.part = part
        """The part that handlers below this router see as their storage; None: that of the including router."""
        self.conditions = filters.account(account)
        """Conditions of all routes below this router, fallbacks and message hooks included."""
        self.context_policy = policy
        """Applies if the worker runs this router itself."""
        self.entries: list[Route | BaseRouter] = []
        """Routes and included routers, in the order of matching."""
        self.default_route: Route | None = None
        self.unknown_route: Route | None = None

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

    def include(self, other: Includable) -> None:
        """Match another router's routes after the routes that are registered so far."""
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
        when: When | None = None,
        **options: Unpack[RouteOptions],
    ) -> H:
        """Register a handler for messages that match all conditions, and `when`. The decorators call this.

        Raises:
            ConfigurationError: The handler cannot be called; the text names the parameter.
        """
        self.entries.append(self._route(handler, message_type, conditions, groups, when, **options))
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
        when: When | None = None,
        **options: Unpack[RouteOptions],
    ) -> Route:
        injectables = Injectables(messages=(message_type,), groups=groups, features=self.can_take)
        bound = bind(handler, injectables)
        check_options(name_of(handler), options)
        account, state = options.pop("account", None), options.pop("state", None)
        return Route(
            name=name_of(handler),
            source=source_of(handler),
            message_type=message_type,
            conditions=(
                *filters.account(account),
                *filters.state(state),
                *conditions,
                *filters.predicate(when, replace(injectables, groups=frozenset())),
            ),
            handler=bound,
            storage=storage_of(handler),
            **cast("Any", options),
        )

    def _only(self, what: str, first: Route | None, handler: Handler, **options: Unpack[RouteOptions]) -> Route:
        if first is not None:
            raise ConfigurationError(
                f"router {self.name} already has a {what}, {first.name}; {name_of(handler)} cannot be another"
            )
        return self._route(handler, Message, **options)
