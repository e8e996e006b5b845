"""What the classes of replies have in common."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

Required = Annotated[str, Field(min_length=1)]
EXACT: Final = ConfigDict(extra="forbid", hide_input_in_errors=True)
"""A misspelt field is an error."""


def without_empty(**fields: str) -> dict[str, str]:
    """Return the fields that are not ""."""
    return {name: value for name, value in fields.items() if value}
