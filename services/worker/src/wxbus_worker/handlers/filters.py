"""What a route wants of a message besides its type."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from wxbus.errors import ConfigurationError
from wxbus.wechat import Message, TextMessage
from wxbus_worker.context.context import Context

Groups: TypeAlias = Mapping[str, str]
Condition: TypeAlias = Callable[[Any, Context], Groups | None]
"""Returns None if it does not want the message; else named groups of what it found, mostly none."""
OneOrMore: TypeAlias = str | tuple[str, ...]

NO_GROUPS: Final[Groups] = {}


def exact(texts: Sequence[object]) -> Condition:
    """Want a text that is one of these, spaces around it left out.

    Raises:
        ConfigurationError: One of them is no text.
    """
    if wrong := [one for one in texts if not isinstance(one, str)]:
        raise ConfigurationError(f"{wrong[0]!r} is no text that a message can be")
    wanted = frozenset(texts)
    return lambda message, _: NO_GROUPS if message.content.strip() in wanted else None


def prefix(start: str) -> Condition:
    """Want a text that starts like this."""
    return lambda message, _: NO_GROUPS if message.content.startswith(start) else None


def regex(pattern: re.Pattern[str]) -> Condition:
    """Want a text whose start matches, and find its named groups."""

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
    """Want an event of this name, in whatever case."""
    wanted = name.lower()
    return lambda message, _: NO_GROUPS if message.event.lower() == wanted else None


def field(takes: type[Message], name: str, values: OneOrMore) -> Condition:
    """Want a message whose field is one of these.

    Raises:
        ConfigurationError: Messages of this type have no such field.
    """
    if name not in takes.model_fields and not isinstance(getattr(takes, name, None), property):
        raise ConfigurationError(f"{takes.__name__} has no {name}")
    wanted = _many(values)
    return lambda message, _: NO_GROUPS if getattr(message, name) in wanted else None


def is_type(given: object, base: type[Message]) -> bool:
    """Whether it is this type of message or one of its subtypes."""
    return isinstance(given, type) and issubclass(given, base)


def state(states: OneOrMore | None) -> tuple[Condition, ...]:
    """Want the conversation to be in one of these states; None: in whatever state."""
    if states is None:
        return ()
    wanted = _many(states)
    return (lambda _, context: NO_GROUPS if context.state in wanted else None,)


def predicate(when: Callable[[Any], bool] | None) -> tuple[Condition, ...]:
    """Want what `when` is true of."""
    if when is None:
        return ()
    check_predicate("when", when)
    return (lambda message, _: NO_GROUPS if when(message) else None,)


def check_predicate(name: str, given: object) -> None:
    """Raise ConfigurationError if it cannot be asked about a message: a coroutine would always be true."""
    waits = inspect.iscoroutinefunction(given)
    if waits or not callable(given):
        raise ConfigurationError(f"{name} must be a plain function of the message, not {given!r}")


def _many(values: OneOrMore) -> frozenset[str]:
    return frozenset((values,) if isinstance(values, str) else values)
