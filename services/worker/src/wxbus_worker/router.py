"""Which handler gets which message.

    router = Router("orders")

    @router.text(prefix="order ")
    async def order(message: TextMessage, context: Context) -> reply.Text: ...

The first route that wants a message has it, in the order of registration; what a handler may take: `injection`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar, overload

from wxbus.errors import ConfigurationError
from wxbus.wechat import (
    Event,
    FileMessage,
    ImageMessage,
    LinkMessage,
    LocationMessage,
    Message,
    MiniProgramPageMessage,
    ShortVideoMessage,
    TextMessage,
    VideoMessage,
    VoiceMessage,
)
from wxbus_worker.context import DEFAULT_EXPIRE_AFTER, DEFAULT_MAX_RECORD_COUNT, Context, ContextPolicy
from wxbus_worker.injection import Bound, Handler, bind, name_of

M = TypeVar("M", bound=Message)
H = TypeVar("H", bound=Handler)

Groups: TypeAlias = Mapping[str, str]
Condition: TypeAlias = Callable[[Any, Context], Groups | None]
"""Returns None if it does not want the message; else named groups of what it found, mostly none."""

NO_GROUPS: Final[Groups] = {}


@dataclass(frozen=True, slots=True)
class Route:
    """One handler and what it wants."""

    name: str
    """`module.function` of the handler."""
    takes: type[Message]
    conditions: tuple[Condition, ...]
    """All of them must want the message."""
    handler: Bound

    def wants(self, message: Message, context: Context) -> Groups | None:
        """Return the named groups that its conditions found, or None if it does not want the message."""
        groups = NO_GROUPS
        for condition in self.conditions:
            found = condition(message, context)
            if found is None:
                return None
            groups = {**groups, **found} if found else groups
        return groups


class On(Generic[M]):
    """Registers handlers for one type of message: `@router.image`, `@router.image(when=...)`."""

    def __init__(self, router: "Router", takes: type[M]) -> None:
        self._router = router
        self._takes = takes

    @overload
    def __call__(self, handler: H, /) -> H: ...

    @overload
    def __call__(self, *, when: Callable[[M], bool] | None = None) -> Callable[[H], H]: ...

    def __call__(self, *handler: Any, when: Any = None) -> Any:
        """Register for all messages of the type, or those for which `when` is true."""
        register = partial(self._router.add, takes=self._takes, conditions=_predicate(when))
        return register(*handler) if handler else register


class Router:
    """Routes of one topic. Include it in another, or run a worker with it."""

    def __init__(
        self,
        name: str = "router",
        *,
        expire_after: timedelta = DEFAULT_EXPIRE_AFTER,
        max_record_count: int = DEFAULT_MAX_RECORD_COUNT,
    ) -> None:
        """The context settings are those of the router that a worker runs, not of routers included in it.

        Args:
            name: For logs and errors.
            expire_after: Time after a user's last message at which the context is forgotten.
            max_record_count: Requests and responses a context keeps; 0 or less: all.
        """
        if expire_after <= timedelta():
            raise ConfigurationError(f"router {name}: expire_after must be more than zero, not {expire_after}")
        self.name = name
        self.context_policy = ContextPolicy(expire_after, max_record_count)
        self.image = On(self, ImageMessage)
        self.voice = On(self, VoiceMessage)
        self.video = On(self, VideoMessage)
        self.short_video = On(self, ShortVideoMessage)
        self.location = On(self, LocationMessage)
        self.link = On(self, LinkMessage)
        self.file = On(self, FileMessage)
        self.mini_program_page = On(self, MiniProgramPageMessage)
        self._steps: list[Route | Router] = []
        self._default: Route | None = None

    @overload
    def text(self, handler: H, /) -> H: ...

    @overload
    def text(
        self,
        *exact: str,
        prefix: str | None = None,
        regex: str | re.Pattern[str] | None = None,
        when: Callable[[TextMessage], bool] | None = None,
    ) -> Callable[[H], H]: ...

    def text(
        self,
        *exact: Any,
        prefix: str | None = None,
        regex: str | re.Pattern[str] | None = None,
        when: Callable[[TextMessage], bool] | None = None,
    ) -> Any:
        """Register for texts; without an argument for all of them, with several for those that fulfil all.

        Args:
            exact: The text is one of these, spaces around it left out.
            prefix: It starts with this.
            regex: Its start matches (`re.match`); a named group is given to the handler's parameter of that name.
            when: This is true of the message.
        """
        if len(exact) == 1 and callable(exact[0]):
            return self.add(exact[0], takes=TextMessage)
        conditions: tuple[Condition, ...] = ()
        groups: frozenset[str] = frozenset()
        if exact:
            conditions += (_exact(frozenset(exact)),)
        if prefix is not None:
            conditions += (_prefix(prefix),)
        if regex is not None:
            pattern = _compiled(regex)
            groups = frozenset(pattern.groupindex)
            conditions += (_regex(pattern),)
        return partial(self.add, takes=TextMessage, conditions=conditions + _predicate(when), groups=groups)

    def message(self, takes: type[M], *, when: Callable[[M], bool] | None = None) -> Callable[[H], H]:
        """Register for messages of this type and its subtypes: `UserMessage` is everything that users send."""
        if not issubclass(takes, Message):
            raise ConfigurationError(f"router {self.name}: {takes!r} is no type of message")
        return partial(self.add, takes=takes, conditions=_predicate(when))

    def event(self, takes: type[M] | str, *, when: Callable[[M], bool] | None = None) -> Callable[[H], H]:
        """Register for events of this type, or of this name, in whatever case, if there is no type for it."""
        if isinstance(takes, str):
            return partial(self.add, takes=Event, conditions=(_event(takes.lower()), *_predicate(when)))
        if not issubclass(takes, Event):
            raise ConfigurationError(f"router {self.name}: {takes!r} is no type of event")
        return partial(self.add, takes=takes, conditions=_predicate(when))

    def default(self, handler: H, /) -> H:
        """Register for whatever no other handler wants."""
        if self._default is not None:
            raise ConfigurationError(
                f"router {self.name} has a default already, {self._default.name}: {name_of(handler)} cannot be it, too"
            )
        self._default = Route(name_of(handler), Message, (), bind(handler, (Message,)))
        return handler

    def include(self, router: "Router") -> None:
        """Have another router's routes here, after those registered before and before those to come."""
        if router is self or any(step is self for step in router.included()):
            raise ConfigurationError(f"router {self.name} cannot include {router.name}: it is included there")
        self._steps.append(router)

    def add(
        self,
        handler: H,
        *,
        takes: type[Message],
        conditions: tuple[Condition, ...] = (),
        groups: frozenset[str] = frozenset(),
    ) -> H:
        """Register a handler for what `conditions` want; the decorators are more pleasant.

        Raises:
            ConfigurationError: The handler cannot be called; the text names the parameter.
        """
        self._steps.append(Route(name_of(handler), takes, conditions, bind(handler, (takes,), groups)))
        return handler

    def included(self) -> Iterator["Router"]:
        """Yield every router below this one."""
        for step in self._steps:
            if isinstance(step, Router):
                yield step
                yield from step.included()

    def routes(self) -> Iterator[Route]:
        """Yield every route in the order in which they are asked, defaults left out."""
        for step in self._steps:
            if isinstance(step, Router):
                yield from step.routes()
            else:
                yield step

    def fallback(self) -> Route | None:
        """Return the default: one's own, or the first among the included routers."""
        if self._default is not None:
            return self._default
        return next((found for router in self.included() if (found := router.fallback())), None)


class RouteTable:
    """A router as a worker uses it: fixed, and sorted by type of message."""

    def __init__(self, router: Router) -> None:
        """Raise ConfigurationError if the router has no handler at all."""
        self._routes = tuple(router.routes())
        self._fallback = router.fallback()
        if not self._routes and self._fallback is None:
            raise ConfigurationError(f"router {router.name} has no handlers")
        self._by_type: dict[type[Message], tuple[Route, ...]] = {}

    def __len__(self) -> int:
        return len(self._routes) + (self._fallback is not None)

    def find(self, message: Message, context: Context) -> tuple[Route, Groups] | None:
        """Return the route that wants the message first, with its named groups; None if none does."""
        kind = type(message)
        routes = self._by_type.get(kind)
        if routes is None:
            routes = self._by_type[kind] = tuple(one for one in self._routes if issubclass(kind, one.takes))
        for route in routes:
            groups = route.wants(message, context)
            if groups is not None:
                return route, groups
        return None if self._fallback is None else (self._fallback, NO_GROUPS)


def _predicate(when: Callable[[M], bool] | None) -> tuple[Condition, ...]:
    if when is None:
        return ()
    return (lambda message, _: NO_GROUPS if when(message) else None,)


def _exact(texts: frozenset[str]) -> Condition:
    return lambda message, _: NO_GROUPS if message.content.strip() in texts else None


def _prefix(prefix: str) -> Condition:
    return lambda message, _: NO_GROUPS if message.content.startswith(prefix) else None


def _event(name: str) -> Condition:
    return lambda message, _: NO_GROUPS if message.event.lower() == name else None


def _regex(pattern: re.Pattern[str]) -> Condition:
    def condition(message: TextMessage, _: Context) -> Groups | None:
        found = pattern.match(message.content)
        return None if found is None else {name: text or "" for name, text in found.groupdict().items()}

    return condition


def _compiled(regex: str | re.Pattern[str]) -> re.Pattern[str]:
    try:
        return re.compile(regex)
    except re.error as exc:
        raise ConfigurationError(f"regular expression {regex!r}: {exc}") from exc
