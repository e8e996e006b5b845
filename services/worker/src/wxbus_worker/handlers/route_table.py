"""A router as a worker uses it: fixed, every handler inside its routers' layers, sorted by type of message."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import get_origin

from wxbus.errors import ConfigurationError
from wxbus.wechat import Message, UnknownComponentEvent, UnknownEvent, UnknownMessage
from wxbus_worker.context.context import Context, ContextPolicy
from wxbus_worker.context.expired import ContextExpired
from wxbus_worker.handlers.filters import NO_GROUPS, Groups
from wxbus_worker.handlers.injection import HandlerCall
from wxbus_worker.handlers.middleware import within
from wxbus_worker.handlers.registry import DEFAULT_POLICY, Registry
from wxbus_worker.handlers.route import Route

UNKNOWN = (UnknownMessage, UnknownEvent, UnknownComponentEvent)


class RouteTable:
    """Finds the one route that gets a message."""

    def __init__(self, router: Registry) -> None:
        """Raise ConfigurationError if the router has no handler at all, or its contexts are not what one wants."""
        for included in router.included():
            _check_policy(router, included)
        self._routes = tuple(_routes(router))
        self._default = _fallback(router, "for_default")
        self._unknown = _fallback(router, "for_unknown")
        removed = tuple(_removals(router))
        self._removed = _in_turn(removed) if removed else None
        for route in filter(None, (*self._routes, *removed, self._default, self._unknown)):
            _check_storage(router, route)
        if not len(self):
            raise ConfigurationError(f"router {router.name} has no handlers")
        self._by_type: dict[type[Message], tuple[Route, ...]] = {}

    def __len__(self) -> int:
        return len(self._routes) + (self._default is not None) + (self._unknown is not None)

    @property
    def hears_removals(self) -> bool:
        """Whether there are handlers for contexts whose time is over."""
        return self._removed is not None

    def find(self, message: Message, context: Context) -> tuple[Route, Groups] | None:
        """Return the route that wants the message first, with its named groups; None if none does."""
        if isinstance(message, ContextExpired):
            return None if self._removed is None else (self._removed, NO_GROUPS)
        kind = type(message)
        routes = self._by_type.get(kind)
        if routes is None:
            routes = self._by_type[kind] = tuple(one for one in self._routes if issubclass(kind, one.takes))
        for route in routes:
            groups = route.wants(message, context)
            if groups is not None:
                return route, groups
        rest = self._unknown if isinstance(message, UNKNOWN) and self._unknown else self._default
        return None if rest is None else (rest, NO_GROUPS)


def _routes(router: Registry) -> Iterator[Route]:
    """Yield every route in the order in which they are asked, those for the rest left out."""
    for step in router.steps:
        below = _routes(step) if isinstance(step, Registry) else (step,)
        for route in below:
            yield _inside(router, route)


def _removals(router: Registry) -> Iterator[Route]:
    for route in router.for_removed:
        yield _inside(router, route)
    for step in router.steps:
        if isinstance(step, Registry):
            for route in _removals(step):
                yield _inside(router, route)


def _in_turn(routes: tuple[Route, ...]) -> Route:
    """Return one route that runs all of these and returns all their replies."""

    async def handler(call: HandlerCall) -> list[object]:
        replies: list[object] = []
        for route in routes:
            returned = await route.handler(call)
            replies += returned if isinstance(returned, list | tuple) else [returned] * (returned is not None)
        return replies

    return Route(name=", ".join(route.name for route in routes), takes=Message, handler=handler)


def _fallback(router: Registry, name: str) -> Route | None:
    """Return the router's own, or the first among the included ones."""
    own: Route | None = getattr(router, name)
    if own is None:
        included = (_fallback(step, name) for step in router.steps if isinstance(step, Registry))
        own = next((found for found in included if found is not None), None)
    return None if own is None else _inside(router, own)


def _check_policy(router: Registry, included: Registry) -> None:
    """Raise ConfigurationError if an included router wants contexts to be otherwise than they will be."""
    for one in fields(ContextPolicy):
        policies = (included.context_policy, DEFAULT_POLICY, router.context_policy)
        wanted, usual, there = (getattr(policy, one.name) for policy in policies)
        if wanted not in (usual, there):
            raise ConfigurationError(
                f"router {included.name} has {one.name} {wanted!r}, but contexts are as router {router.name} says, "
                f"which includes it: {there!r}"
            )


def _check_storage(router: Registry, route: Route) -> None:
    there = router.context_policy.storage or dict
    wanted = get_origin(route.storage) or route.storage
    if wanted is not None and wanted is not there:
        raise ConfigurationError(
            f"handler {route.name} takes Context[{getattr(wanted, '__name__', wanted)}], "
            f"but the storage of router {router.name} is {there.__name__}"
        )


def _inside(router: Registry, route: Route) -> Route:
    return replace(route, handler=within(route.handler, *router.layers))
