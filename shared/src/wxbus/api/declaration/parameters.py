"""The parameters of a declared method, and their places in the request."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Annotated, Any, NotRequired, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from wxbus.api.answers import JsonObject
from wxbus.api.declaration.fields import INVALID_PARAMETER, FileLimits, Key, Merged, Query, Refused, Signs
from wxbus.api.uploads import UploadFile


class Place(Enum):
    """Where a parameter is sent."""

    BODY = auto()
    QUERY = auto()
    FILE = auto()


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """One parameter."""

    name: str
    place: Place
    key: tuple[str, ...]
    """Its path in the body; empty if its fields are merged into the body."""
    errcode: int
    """The errcode with which WeChat refuses an invalid value."""
    required: bool
    hint: Any
    """The annotation."""
    signs: Signs | None = None
    """It is a key, of which only a signature is sent."""


def parameters_of(function: Callable[..., object], default: Place) -> tuple[Parameter, ...]:
    """Return the parameters of a declared method without `self`; those that name no place are sent in `default`."""
    hints = get_type_hints(function, include_extras=True)
    declared = list(inspect.signature(function).parameters.values())[1:]
    return tuple(_parameter(parameter, hints[parameter.name], default) for parameter in declared)


def arguments_type(name: str, parameters: Iterable[Parameter]) -> TypeAdapter[dict[str, Any]]:
    """Return the type of a dict of arguments, by which they are checked and encoded."""
    fields = {field.name: field.hint if field.required else NotRequired[field.hint] for field in parameters}
    new_type: Any = TypedDict
    arguments = new_type(name, fields)
    arguments.__pydantic_config__ = ConfigDict(arbitrary_types_allowed=True, extra="forbid", hide_input_in_errors=True)
    return TypeAdapter(arguments)


def metadata_of(hint: object) -> tuple[object, ...]:
    """Return the annotations of a hint, also those inside of `| None`."""
    if get_origin(hint) is Annotated:
        kind, *found = get_args(hint)
        return (*metadata_of(kind), *found)
    if get_origin(hint) is not None and type(None) in get_args(hint):
        return tuple(mark for member in get_args(hint) for mark in metadata_of(member))
    return ()


def put(body: JsonObject, key: tuple[str, ...], value: Any) -> None:
    """Set the value at a path of the body; at the empty path its fields become fields of the body."""
    if not key:
        body.update(value)
        return
    for name in key[:-1]:
        body = body.setdefault(name, {})
    body[key[-1]] = value


def is_list(hint: object) -> bool:
    """Return whether a hint is a list."""
    if get_origin(hint) is Annotated:
        return is_list(get_args(hint)[0])
    return get_origin(hint) is list


def find(body: object, key: Iterable[str]) -> Any:
    """Return the value at a path of the body; None if there is none."""
    for name in key:
        if not isinstance(body, Mapping):
            return None
        body = body.get(name)
    return body


def _parameter(declared: inspect.Parameter, hint: Any, default: Place) -> Parameter:
    place, errcode, signs = default, INVALID_PARAMETER, None
    key: tuple[str, ...] = (declared.name,)
    if _is_file(hint):
        place = Place.FILE
    for mark in metadata_of(hint):
        match mark:
            case Key(path):
                key = tuple(path.split("."))
            case Query(name):
                place, key = Place.QUERY, (name or declared.name,)
            case Merged():
                key = ()
            case Refused(code):
                errcode = code
            case Signs():
                signs = mark
            case _:
                pass
    return Parameter(declared.name, place, key, errcode, declared.default is inspect.Parameter.empty, hint, signs)


def _is_file(hint: object) -> bool:
    if any(isinstance(mark, FileLimits) for mark in metadata_of(hint)):
        return True
    return hint is UploadFile or UploadFile in get_args(hint)
