"""Pydantic's validation errors as messages for the author of a file or variable; without values."""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

MESSAGES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "unknown field",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
}
"""By error type, where pydantic's own message names Python types."""


def error_message(error: ErrorDetails) -> str:
    """Return the message without the field."""
    return MESSAGES.get(error["type"]) or error["msg"].removeprefix("Value error, ")


def validation_messages(error: ValidationError) -> str:
    """Return all messages, each as `field: message`, or as `message` if it concerns no single field."""
    found = ((".".join(map(str, entry["loc"])), error_message(entry)) for entry in error.errors())
    return "; ".join(f"{field}: {message}" if field else message for field, message in found)
