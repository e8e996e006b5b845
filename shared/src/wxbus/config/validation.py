"""What pydantic finds wrong, in the words of who wrote it into a file or a variable; never the value."""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "there is no such field",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
}
"""For kinds of errors whose own text speaks of Python."""


def error_message(error: ErrorDetails) -> str:
    """Return what is wrong, without where."""
    return WORDS.get(error["type"]) or error["msg"].removeprefix("Value error, ")


def validation_messages(error: ValidationError) -> str:
    """Return all that is wrong, each as `field: what`, or as `what` alone if it is about no one field."""
    found = ((".".join(map(str, one["loc"])), error_message(one)) for one in error.errors())
    return "; ".join(f"{where}: {what}" if where else what for where, what in found)
