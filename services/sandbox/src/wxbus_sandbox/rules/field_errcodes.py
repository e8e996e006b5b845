"""The errcode of an invalid field, from the annotations of its declaration."""

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from wxbus.api.declaration.fields import Refused


def errcode_at(hint: Any, location: Sequence[int | str], default: int) -> int:
    """Return the errcode of the innermost `Refused` on the way to a location in pydantic's error."""
    for mark in _marks(hint):
        default = mark
    hint = _bare(hint)
    if not location:
        return default
    step, rest = location[0], location[1:]
    if get_origin(hint) in {Union, UnionType}:
        for member in get_args(hint):
            if getattr(_bare(member), "__name__", "") == step:
                return errcode_at(member, rest, default)
        members = [member for member in get_args(hint) if member is not NoneType]
        return errcode_at(members[0], location, default) if len(members) == 1 else default
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return _errcode_in_model(hint, step, rest, default)
    if isinstance(step, int) and get_args(hint):
        return errcode_at(get_args(hint)[0], rest, default)
    return default


def _errcode_in_model(model: type[BaseModel], step: int | str, rest: Sequence[int | str], default: int) -> int:
    for name, field in model.model_fields.items():
        if step in {name, field.alias, field.validation_alias}:
            for mark in field.metadata:
                if isinstance(mark, Refused):
                    default = mark.errcode
            return errcode_at(field.annotation, rest, default)
    return default


def _marks(hint: Any) -> list[int]:
    if get_origin(hint) is not Annotated:
        return []
    kind, *marks = get_args(hint)
    return [*_marks(kind), *(mark.errcode for mark in marks if isinstance(mark, Refused))]


def _bare(hint: Any) -> Any:
    return _bare(get_args(hint)[0]) if get_origin(hint) is Annotated else hint
