"""Base classes for the objects in requests and answers."""

from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, model_validator

from wxbus.api.answers import RESULT

UNIONS: Final = (Annotated, Union, UnionType)


class Part(BaseModel):
    """An object in a request; an unknown or invalid field raises pydantic's ValidationError.

    A field with another name on the wire has `validation_alias` and `serialization_alias`: for type checkers, `alias`
    would be the name in the constructor.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        defer_build=True,  # most processes use few of them
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class Answer(BaseModel):
    """An answer, or an object in it. It is lenient: numbers as texts, null and further fields are accepted."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",  # fields that WeChat adds are in `model_extra`
        coerce_numbers_to_str=True,
        defer_build=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        protected_namespaces=(),
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, found: Any) -> Any:
        """Drop the result of the call, null, and "" in place of anything but a text: such a field has its default."""
        if not isinstance(found, Mapping):
            return found
        result = RESULT - cls.model_fields.keys()  # items of a list may have results of their own
        no_texts = _no_texts(cls)
        return {
            name: value
            for name, value in found.items()
            if value is not None and name not in result and (value != "" or name not in no_texts)
        }


@cache
def _no_texts(model: type[BaseModel]) -> frozenset[str]:
    """Return the names of the fields that cannot be a text."""
    fields = [(name, field) for name, field in model.model_fields.items() if not _may_be_text(field.annotation)]
    return frozenset(name for own, field in fields for name in (own, field.alias) if name)


def _may_be_text(hint: Any) -> bool:
    return hint is str or any(_may_be_text(member) for member in get_args(hint) if get_origin(hint) in UNIONS)
