"""Shared definitions of the reply classes."""

from typing import Annotated, Final, TypeVar, cast

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from typing_extensions import dataclass_transform

T = TypeVar("T")

Required = Annotated[str, Field(min_length=1)]
TITLE_PREFIX: Final = "reply."
"""Start of the titles of validation errors, which name the class."""


@dataclass_transform(frozen_default=True, field_specifiers=(Field,))
def reply_class(cls: type[T]) -> type[T]:
    """Return the class as a dataclass; an unknown field or a wrong value is a ValidationError titled `reply.<name>`."""
    config = ConfigDict(extra="forbid", hide_input_in_errors=True, title=TITLE_PREFIX + cls.__name__, defer_build=True)
    return cast("type[T]", dataclass(frozen=True, slots=True, config=config)(cls))


def without_empty(**fields: str) -> dict[str, str]:
    """Return the fields that are not ""."""
    return {name: value for name, value in fields.items() if value}
