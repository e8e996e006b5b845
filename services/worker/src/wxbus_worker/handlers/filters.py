"""Conditions of a route besides the type of message."""

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias, cast

from wxbus.errors import ConfigurationError
from wxbus.wechat import Message
from wxbus_worker.handlers.call import HandlerCall
from wxbus_worker.handlers.hints import name_of, takes_message
from wxbus_worker.handlers.injection import Injectables, arguments

Groups: TypeAlias = dict[str, str]
Condition: TypeAlias = Callable[[HandlerCall], Groups | Awaitable[Groups | None] | None]
"""Returns None if the message does not match; else the named groups that were found, mostly none."""
When: TypeAlias = Callable[..., bool | Awaitable[bool]]
"""A function of the message, or of anything that handlers can take by type; plain or async."""
OneOrMore: TypeAlias = str | tuple[str, ...]

NO_GROUPS: Final[Groups] = {}


def exact(texts: Sequence[object]) -> Condition:
    """Match a text that is one of these, surrounding spaces ignored.

    Raises:
        ConfigurationError: One of them is not a str.
    """
    if wrong := [one for one in texts if not isinstance(one, str)]:
        raise ConfigurationError(f"text {wrong[0]!r} must be a str")
    wanted = frozenset(texts)
    return lambda call: NO_GROUPS if cast("Any", call.message).content.strip() in wanted else None


def regex(pattern: re.Pattern[str]) -> Condition:
    """Match a text from its start, and return the named groups."""

    def condition(call: HandlerCall) -> Groups | None:
        found = pattern.match(cast("Any", call.message).content)
        return None if found is None else {name: text or "" for name, text in found.groupdict().items()}

    return condition


def compiled(expression: str | re.Pattern[str]) -> re.Pattern[str]:
    """Return the pattern, or raise ConfigurationError."""
    try:
        return re.compile(expression)
    except re.error as exc:
        raise ConfigurationError(f"regular expression {expression!r}: {exc}") from exc


def event_name(name: str) -> Condition:
    """Match an event of this name, ignoring case."""
    wanted = name.lower()
    return lambda call: NO_GROUPS if cast("Any", call.message).event.lower() == wanted else None


def field(message_type: type[Message], name: str, values: OneOrMore | None) -> tuple[Condition, ...]:
    """Match a message whose field has one of these values; None: any.

    Raises:
        ConfigurationError: Messages of this type have no such field.
    """
    if values is None:
        return ()
    _check_field(message_type, name)
    wanted = _many(values)
    return (lambda call: NO_GROUPS if getattr(call.message, name) in wanted else None,)


def prefix(message_type: type[Message], name: str, starts: OneOrMore | None) -> tuple[Condition, ...]:
    """Match a message whose field starts with one of these; None: any.

    Raises:
        ConfigurationError: Messages of this type have no such field.
    """
    if starts is None:
        return ()
    _check_field(message_type, name)
    wanted = tuple(_many(starts))
    return (lambda call: NO_GROUPS if getattr(call.message, name).startswith(wanted) else None,)


def contains(parts: OneOrMore | None) -> tuple[Condition, ...]:
    """Match a text that contains one of these; None: any."""
    if parts is None:
        return ()
    wanted = _many(parts)

    def condition(call: HandlerCall) -> Groups | None:
        content = cast("Any", call.message).content
        return NO_GROUPS if any(part in content for part in wanted) else None

    return (condition,)


def is_type(given: object, base: type[Message]) -> bool:
    """Whether `given` is this type of message or one of its subtypes."""
    return isinstance(given, type) and issubclass(given, base)


def state(states: OneOrMore | None) -> tuple[Condition, ...]:
    """Match a conversation in one of these states; None: in any state."""
    if states is None:
        return ()
    wanted = _many(states)
    return (lambda call: NO_GROUPS if call.context.state in wanted else None,)


def account(names: OneOrMore | None) -> tuple[Condition, ...]:
    """Match a message to one of these accounts, by their names in the accounts file; None: to any."""
    if names is None:
        return ()
    wanted = _many(names)
    return (lambda call: NO_GROUPS if call.account.name in wanted else None,)


def predicate(when: When | None, injectables: Injectables) -> tuple[Condition, ...]:
    """Match messages for which `when` returns true.

    Raises:
        ConfigurationError: It is not a function, or has a parameter that a handler cannot have.
    """
    if when is None:
        return ()
    given: object = when
    if not callable(given) or inspect.isasyncgenfunction(given):
        raise ConfigurationError(f"when must be a function of the message, not {when!r}")
    of_message = takes_message(when)
    call_of = None if of_message else arguments(when, injectables)

    def returned(call: HandlerCall) -> bool | Awaitable[bool]:
        return when(call.message) if call_of is None else when(**call_of(call))

    async def awaited(call: HandlerCall) -> Groups | None:
        return NO_GROUPS if await cast("Awaitable[bool]", returned(call)) else None

    def plain(call: HandlerCall) -> Groups | None:
        found = returned(call)
        if found is not True and inspect.isawaitable(found):
            getattr(found, "close", lambda: None)()
            raise TypeError(f"when={name_of(when)} returned an awaitable: it must be an `async def` function")
        return NO_GROUPS if found else None

    return (awaited if inspect.iscoroutinefunction(when) else plain,)


def check_predicate(name: str, given: object) -> None:
    """Raise ConfigurationError unless it is a plain function: a coroutine would always be true."""
    if inspect.iscoroutinefunction(given) or not callable(given):
        raise ConfigurationError(f"{name} must be a plain function of the message, not {given!r}")


def _check_field(message_type: type[Message], name: str) -> None:
    if name not in message_type.model_fields and not isinstance(getattr(message_type, name, None), property):
        raise ConfigurationError(f"{message_type.__name__} has no {name}")


def _many(values: object) -> frozenset[str]:
    many = (values,) if isinstance(values, str) else values
    if not isinstance(many, tuple | list | set | frozenset) or not all(isinstance(one, str) for one in many):
        raise ConfigurationError(f"{values!r} must be a str or a tuple of them")
    return frozenset(many)
