"""Size limits of a body, in either format."""

from typing import Final, NoReturn

from wxbus.errors import MalformedCallback

MAX_DEPTH: Final = 16
"""Nested elements; WeChat's deepest push has six."""
MAX_ELEMENTS: Final = 5_000
"""Elements, members, array items and references in total; WeChat's largest push has a few hundred."""


def refuse_size() -> NoReturn:
    """Raise MalformedCallback for a body that exceeds a limit."""
    raise MalformedCallback(f"the body has more than {MAX_DEPTH} levels or {MAX_ELEMENTS} elements")
