"""Reads the annotations of handlers."""

import inspect
import types
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from wxbus.errors import ConfigurationError
from wxbus.wechat import Message
from wxbus_worker.context.context import Context

Handler: TypeAlias = Callable[..., object]
"""An async function, or a plain one, which runs in a thread."""


def name_of(handler: object) -> str:
    """Return `module.function`, for errors and logs."""
    qualified = getattr(handler, "__qualname__", None)
    return f"{getattr(handler, '__module__', '')}.{qualified}" if qualified else repr(handler)


def source_of(handler: Handler) -> tuple[str, int]:
    """Return file and line of a handler; ("", 0) if it is not a Python function."""
    while isinstance(handler, partial):
        handler = handler.func
    code = getattr(inspect.unwrap(handler), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code else ("", 0)


def hints_of(function: Handler) -> Mapping[str, Any]:
    """Return the types of the parameters and of the result; raises ConfigurationError if a type cannot be resolved."""
    while isinstance(function, partial):
        function = function.func
    try:
        return get_type_hints(function if inspect.isroutine(function) else type(function).__call__)
    except (NameError, TypeError) as exc:
        raise ConfigurationError(
            f"handler {name_of(function)}: an annotation cannot be resolved: {exc}. "
            "Names used in annotations must be imported at run time, not below `if TYPE_CHECKING:`"
        ) from exc


def classes_of(hint: Any) -> tuple[type, ...]:
    """Return the classes that a hint allows, without None; nothing if it is another kind of hint."""
    origin = get_origin(hint)
    if origin is Context:
        return (Context,)
    if origin is Annotated:
        return classes_of(get_args(hint)[0])
    if origin in {Union, types.UnionType}:
        members = [classes_of(member) for member in get_args(hint) if member is not types.NoneType]
        return tuple(one for member in members for one in member) if all(members) else ()
    return (hint,) if isinstance(hint, type) else ()


def storage_of(handler: Callable[..., object]) -> object:
    """Return the storage model of a handler's `Context[...]`, None if it names none."""
    for hint in hints_of(handler).values():
        if get_origin(hint) is Context:
            return get_args(hint)[0]
    return None


def takes_message(function: Handler) -> bool:
    """Whether the function takes one argument, a message or without annotation: it gets the message by position."""
    try:
        needed = [one for one in inspect.signature(function).parameters.values() if one.default is one.empty]
    except ValueError as exc:  # some functions in C have none
        raise ConfigurationError(f"{name_of(function)} has no signature") from exc
    if len(needed) != 1 or needed[0].kind is needed[0].KEYWORD_ONLY:
        return False
    hint = hints_of(function).get(needed[0].name, Any)
    return hint is Any or all(issubclass(one, Message) for one in classes_of(hint) or (object,))
