"""A router as the worker uses it: fixed, with the middleware around every handler, sorted by type of message."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import get_origin

from wxbus.errors import ConfigurationError, Reject
from wxbus.wechat import Message, UnknownComponentEvent, UnknownEvent, UnknownMessage
from wxbus_worker.context.context import Context, ContextPolicy
from wxbus_worker.context.expired import ContextExpired
from wxbus_worker.handlers.base_router import DEFAULT_POLICY, BaseRouter
from wxbus_worker.handlers.filters import NO_GROUPS, Groups
from wxbus_worker.handlers.injection import HandlerCall
from wxbus_worker.handlers.middleware import wrap
from wxbus_worker.handlers.route import Route
from wxbus_worker.handlers.signal import Outgoing, Signal

UNKNOWN = (UnknownMessage, UnknownEvent, UnknownComponentEvent)


async def _reply_of(call: HandlerCall) -> object:
    return call.message.reply if isinstance(call.message, Outgoing) else None


SEND = Route(name="Bus.send", message_type=Outgoing, handler=_reply_of)
"""Sends need no handler, and no middleware runs around them."""


class RouteTable:
    """Finds the route for a message."""

    def __init__(self, router: BaseRouter) -> None:
        """Raise ConfigurationError if the router has no handlers, or its handlers or routers expect other contexts."""
        for included in router.included():
            _check_policy(router, included)
        self._routes = tuple(_routes(router))
        self._default = _fallback(router, "default_route")
        self._unknown = _fallback(router, "unknown_route")
        removed = tuple(_removals(router))
        self._removed = _combined(removed) if removed else None
        for route in filter(None, (*self._routes, *removed, self._default, self._unknown)):
            _check_storage(router, route)
        if not len(self):
            raise ConfigurationError(f"router {router.name} has no handlers")
        self._by_type: dict[type[Message], tuple[Route, ...]] = {}

    def __len__(self) -> int:
        return len(self._routes) + (self._default is not None) + (self._unknown is not None)

    @property
    def handles_removals(self) -> bool:
        """Whether there are `context_removed` handlers."""
        return self._removed is not None

    def find(self, message: Message, context: Context) -> tuple[Route, Groups] | None:
        """Return the first route that matches the message, with its named groups; None if there is none.

        Raises:
            Reject: No route matches a signal: its event must not be lost.
        """
        if isinstance(message, ContextExpired):
            return None if self._removed is None else (self._removed, NO_GROUPS)
        if isinstance(message, Outgoing):
            return SEND, NO_GROUPS
        kind = type(message)
        routes = self._by_type.get(kind)
        if routes is None:
            # A handler of all messages does not expect signals.
            wanted = (Signal,) if kind is Signal else kind.__mro__
            routes = self._by_type[kind] = tuple(one for one in self._routes if one.message_type in wanted)
        for route in routes:
            groups = route.match(message, context)
            if groups is not None:
                return route, groups
        if isinstance(message, Signal):
            raise Reject(f"no handler for signal {message.name!r}")
        fallback = self._unknown if isinstance(message, UNKNOWN) and self._unknown else self._default
        return None if fallback is None else (fallback, NO_GROUPS)


def _routes(router: BaseRouter) -> Iterator[Route]:
    """Yield every route in the order of matching, without the fallbacks."""
    for entry in router.entries:
        below = _routes(entry) if isinstance(entry, BaseRouter) else (entry,)
        for route in below:
            yield _wrapped(router, route)


def _removals(router: BaseRouter) -> Iterator[Route]:
    for route in router.removal_routes:
        yield _wrapped(router, route)
    for entry in router.entries:
        if isinstance(entry, BaseRouter):
            for route in _removals(entry):
                yield _wrapped(router, route)


def _combined(routes: tuple[Route, ...]) -> Route:
    """Return one route that calls all of these and returns all their replies."""

    async def handler(call: HandlerCall) -> list[object]:
        replies: list[object] = []
        for route in routes:
            returned = await route.handler(call)
            replies += returned if isinstance(returned, list | tuple) else [returned] * (returned is not None)
        return replies

    return Route(name=", ".join(route.name for route in routes), message_type=Message, handler=handler)


def _fallback(router: BaseRouter, name: str) -> Route | None:
    """Return the router's own fallback, or the first of an included router."""
    own: Route | None = getattr(router, name)
    if own is None:
        included = (_fallback(entry, name) for entry in router.entries if isinstance(entry, BaseRouter))
        own = next((found for found in included if found is not None), None)
    return None if own is None else _wrapped(router, own)


def _check_policy(router: BaseRouter, included: BaseRouter) -> None:
    """Raise ConfigurationError if an included router has its own context settings."""
    for one in fields(ContextPolicy):
        policies = (included.context_policy, DEFAULT_POLICY, router.context_policy)
        wanted, default, actual = (getattr(policy, one.name) for policy in policies)
        if wanted not in (default, actual):
            raise ConfigurationError(
                f"router {included.name} has {one.name} {wanted!r}, but router {router.name}, which includes it, "
                f"has {actual!r}; set it on {router.name}"
            )


def _check_storage(router: BaseRouter, route: Route) -> None:
    actual = router.context_policy.storage or dict
    wanted = get_origin(route.storage) or route.storage
    if wanted is not None and wanted is not actual:
        raise ConfigurationError(
            f"handler {route.name} takes Context[{getattr(wanted, '__name__', wanted)}], "
            f"but the storage of router {router.name} is {actual.__name__}"
        )


def _wrapped(router: BaseRouter, route: Route) -> Route:
    return replace(route, handler=wrap(route.handler, router.middlewares, router.error_handlers))
