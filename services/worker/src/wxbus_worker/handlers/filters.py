"""Conditions of a route besides the type of message."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from wxbus.errors import ConfigurationError
from wxbus.wechat import Message, TextMessage
from wxbus_worker.context.context import Context

Groups: TypeAlias = Mapping[str, str]
Condition: TypeAlias = Callable[[Any, Context], Groups | None]
"""Returns None if the message does not match; else the named groups that were found, mostly none."""
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
    return lambda message, _: NO_GROUPS if message.content.strip() in wanted else None


def prefix(start: str) -> Condition:
    """Match a text that starts with `start`."""
    return lambda message, _: NO_GROUPS if message.content.startswith(start) else None


def regex(pattern: re.Pattern[str]) -> Condition:
    """Match a text from its start, and return the named groups."""

    def condition(message: TextMessage, _: Context) -> Groups | None:
        found = pattern.match(message.content)
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
    return lambda message, _: NO_GROUPS if message.event.lower() == wanted else None


def field(message_type: type[Message], name: str, values: OneOrMore) -> Condition:
    """Match a message whose field has one of these values.

    Raises:
        ConfigurationError: Messages of this type have no such field.
    """
    if name not in message_type.model_fields and not isinstance(getattr(message_type, name, None), property):
        raise ConfigurationError(f"{message_type.__name__} has no {name}")
    wanted = _many(values)
    return lambda message, _: NO_GROUPS if getattr(message, name) in wanted else None


def is_type(given: object, base: type[Message]) -> bool:
    """Whether `given` is this type of message or one of its subtypes."""
    return isinstance(given, type) and issubclass(given, base)


def state(states: OneOrMore | None) -> tuple[Condition, ...]:
    """Match a conversation in one of these states; None: in any state."""
    if states is None:
        return ()
    wanted = _many(states)
    return (lambda _, context: NO_GROUPS if context.state in wanted else None,)


def predicate(when: Callable[[Any], bool] | None) -> tuple[Condition, ...]:
    """Match messages for which `when` returns true."""
    if when is None:
        return ()
    check_predicate("when", when)
    return (lambda message, _: NO_GROUPS if when(message) else None,)


def check_predicate(name: str, given: object) -> None:
    """Raise ConfigurationError unless it is a plain function: a coroutine would always be true."""
    if inspect.iscoroutinefunction(given) or not callable(given):
        raise ConfigurationError(f"{name} must be a plain function of the message, not {given!r}")


def _many(values: OneOrMore) -> frozenset[str]:
    return frozenset((values,) if isinstance(values, str) else values)
