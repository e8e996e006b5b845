"""Gives handlers their arguments by type. A handler that cannot be called is refused when it is registered."""

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, Final, TypeAlias, cast

import structlog
from pydantic import BaseModel

from wxbus.accounts.models import Account
from wxbus.api.client import WeChatClient
from wxbus.api.wecom.client import WeComClient
from wxbus.errors import ConfigurationError
from wxbus.features import Features
from wxbus.messages import Bus
from wxbus.sockets.presence import Presence
from wxbus.tokens import TokenClient
from wxbus.tokens.tickets import AgentTicket, CardTicket, JsSdkTicket
from wxbus.wechat import Message
from wxbus_worker.context.context import Context
from wxbus_worker.context.contexts import Contexts
from wxbus_worker.handlers.call import CallNext, HandlerCall
from wxbus_worker.handlers.current_delivery import CurrentDelivery
from wxbus_worker.handlers.hints import Handler, classes_of, hints_of, name_of
from wxbus_worker.handlers.return_types import RULE, not_allowed
from wxbus_worker.handlers.robot_stream import RobotStream
from wxbus_worker.handlers.signal import Signal
from wxbus_worker.handlers.threads import in_thread

Provider: TypeAlias = Callable[[HandlerCall], object]

PROVIDERS: Final[Mapping[type, Provider]] = {
    Context: lambda call: call.context,
    Account: lambda call: call.account,
    WeChatClient: lambda call: call.client,
    WeComClient: lambda call: call.wecom_client,
    RobotStream: lambda call: call.robot_stream,
    CurrentDelivery: lambda call: call.delivery,
    Features: lambda call: call.features,
    Contexts: lambda call: call.features[cast("type[object]", Contexts)],
    Bus: lambda call: call.features[Bus],
    TokenClient: lambda call: call.features[TokenClient],
    Presence: lambda call: call.features[cast("type[object]", Presence)],
    JsSdkTicket: lambda call: call.js_sdk_ticket,
    CardTicket: lambda call: call.card_ticket,
    AgentTicket: lambda call: call.agent_ticket,
}
MAX_NAMES: Final = 4
"""Types that an error message lists."""
LOGGERS: Final[Mapping[type, Callable[[str], object]]] = {
    structlog.stdlib.BoundLogger: structlog.stdlib.get_logger,
    structlog.typing.FilteringBoundLogger: structlog.stdlib.get_logger,
    logging.Logger: logging.getLogger,
}
"""Types of loggers, each with the function that returns one by a module's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injectables:
    """The types that a handler can take besides `PROVIDERS`."""

    messages: tuple[type[Message], ...] = ()
    """Types of message that its route passes."""
    groups: frozenset[str] = frozenset()
    """Named groups of its route's regular expression: parameters of that name, annotated `str`, get them."""
    features: Sequence[type] = ()
    """Types that its router's middleware sets."""
    error: type[Exception] | None = None
    """The errors that it handles."""


def bind(handler: Handler, injectables: Injectables, *, replies: bool = True) -> CallNext:
    """Return `handler` as a function of a `HandlerCall`.

    Args:
        handler: An async function, or a plain one, which runs in a thread.
        injectables: The types that it can take.
        replies: Whether it returns replies; else its return value is ignored.

    Raises:
        ConfigurationError: It takes something else, or returns no replies; the text names the parameter.
    """
    if inspect.isasyncgenfunction(handler) or inspect.isgeneratorfunction(handler):
        raise ConfigurationError(f"handler {name_of(handler)} yields; {RULE}")
    is_async = inspect.iscoroutinefunction(handler)
    if not is_async and not inspect.isroutine(handler):
        raise ConfigurationError(f"handler {name_of(handler)} must be a function")
    arguments_of = arguments(handler, injectables)
    if replies and (wrong := not_allowed(classes_of(hints_of(handler).get("return")))):
        raise ConfigurationError(f"handler {name_of(handler)} returns {_names(wrong)}; {RULE}")

    def call(given: HandlerCall) -> Any:
        return handler(**arguments_of(given))

    async def call_in_thread(given: HandlerCall) -> object:
        returned = await in_thread(partial(call, given))
        return await returned if inspect.isawaitable(returned) else returned  # a decorator may hide `async def`

    return call if is_async else call_in_thread


def arguments(handler: Handler, injectables: Injectables) -> Callable[[HandlerCall], Mapping[str, Any]]:
    """Return a function that returns the handler's arguments for a call, by name.

    Raises:
        ConfigurationError: It takes something that is not injectable; the text names the parameter.
    """
    hints = hints_of(handler)
    providers: dict[str, Provider] = {}
    for name, parameter in inspect.signature(handler).parameters.items():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise ConfigurationError(f"handler {name_of(handler)}: parameter {parameter} cannot be passed by name")
        provider = _provider(handler, name, hints.get(name), injectables)
        if provider is not None:
            providers[name] = provider
        elif parameter.default is parameter.empty:
            raise ConfigurationError(_no_provider(handler, name, hints.get(name), injectables))
    return lambda call: {name: provide(call) for name, provide in providers.items()}


def bind_provided(function: Handler, kinds: Sequence[type]) -> Callable[[Features], Any]:
    """Return a function that calls this one with objects of these types, outside of any message.

    Raises:
        ConfigurationError: It takes something else; the text names the parameter.
    """
    hints = hints_of(function)
    kinds = (*kinds, Contexts, Bus, TokenClient, Presence)
    providers: dict[str, Callable[[Features], object]] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        wanted = classes_of(hints.get(name))
        if len(wanted) == 1 and wanted[0] in kinds:
            providers[name] = itemgetter(wanted[0])
        elif len(wanted) == 1 and wanted[0] in LOGGERS:
            providers[name] = _always(LOGGERS[wanted[0]](getattr(function, "__module__", "")))
        elif parameter.default is parameter.empty:
            known = ", ".join(one.__name__ for one in (*kinds, logging.Logger))
            raise ConfigurationError(f"{name_of(function)}: parameter {name!r} cannot be provided; it can take {known}")
    return lambda provided: function(**{name: provide(provided) for name, provide in providers.items()})


def _always(value: object) -> Callable[[object], object]:
    return lambda _: value


async def run(call: Callable[[Any], Any], given: Any) -> object:
    """Return the result of the call; a plain function runs in a thread."""
    returned = await in_thread(partial(call, given))
    return await returned if inspect.isawaitable(returned) else returned


def _provider(handler: object, name: str, hint: Any, injectables: Injectables) -> Provider | None:
    wanted = classes_of(hint)
    if not wanted:
        return None
    if injectables.messages and all(issubclass(one, Message) for one in wanted):
        if missing := _not_accepted(wanted, injectables.messages):
            raise ConfigurationError(
                f"handler {name_of(handler)}: parameter {name!r} takes {_names(wanted)}, "
                f"but its route also passes {_names(missing)}"
            )
        return lambda call: call.message
    if injectables.error is not None and issubclass(injectables.error, wanted):
        return lambda call: call.error
    return _value(handler, name, wanted[0], injectables) if len(wanted) == 1 else None


def _value(handler: object, name: str, one: type, injectables: Injectables) -> Provider | None:
    if one in LOGGERS:
        return _always(LOGGERS[one](getattr(handler, "__module__", "")))
    if one is str and name in injectables.groups:
        return lambda call: call.groups[name]
    if one in injectables.features:
        return lambda call: call.features[one]
    if one not in PROVIDERS and issubclass(one, BaseModel) and injectables.messages == (Signal,):
        return lambda call: call.message.data_as(one) if isinstance(call.message, Signal) else None
    return PROVIDERS.get(one)


def _not_accepted(wanted: tuple[type, ...], passed: tuple[type[Message], ...]) -> tuple[type, ...]:
    """Return the types that the route passes and the parameter does not accept."""
    return tuple(given for given in passed if not issubclass(given, wanted))


def _no_provider(handler: object, name: str, hint: Any, injectables: Injectables) -> str:
    shown = "has no annotation" if hint is None else f"is annotated {getattr(hint, '__name__', hint)}"
    known = [_names(injectables.messages)] if injectables.messages else []
    known += [injectables.error.__name__] if injectables.error else []
    known += [one.__name__ for one in (*PROVIDERS, logging.Logger, *injectables.features)]
    known += [f"{group}: str" for group in sorted(injectables.groups)]
    return f"handler {name_of(handler)}: parameter {name!r} {shown}; a handler can take {', '.join(known)}"


def _names(classes: tuple[type, ...]) -> str:
    more = f" and {len(classes) - MAX_NAMES} more" if len(classes) > MAX_NAMES else ""
    return " | ".join(one.__name__ for one in classes[:MAX_NAMES]) + more
