"""Base classes for the objects in requests and answers."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from wxbus.api.answers import RESULT


class Part(BaseModel):
    """An object in a request; an unknown or invalid field raises pydantic's ValidationError."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )


class Answer(BaseModel):
    """An answer, or an object in it. Reads leniently what WeChat sends: numbers as texts, null, further fields."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",  # what WeChat adds is in `model_extra`
        coerce_numbers_to_str=True,
        defer_build=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        protected_namespaces=(),
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_null(cls, found: Any) -> Any:
        """Drop null and the result of the call: a field that is null has its default."""
        if not isinstance(found, Mapping):
            return found
        result = RESULT - cls.model_fields.keys()  # items of a list may have results of their own
        return {name: value for name, value in found.items() if value is not None and name not in result}
