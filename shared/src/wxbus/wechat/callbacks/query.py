"""The query of a callback request, and the age of the request."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from wxbus.errors import Forbidden

OUTSIDE_WINDOW: Final = "timestamp outside the window"


@dataclass(slots=True)  # not frozen: that makes it several times as slow to create
class CallbackQuery:
    """The query of a callback (protocol reference 1.3); absent parameters are ""."""

    signature: str = ""
    timestamp: str = ""
    nonce: str = ""
    msg_signature: str = ""
    encrypt_type: str = ""
    echostr: str = ""

    @classmethod
    def from_mapping(cls, query: Mapping[str, str]) -> "CallbackQuery":
        """Return the known parameters of a query."""
        return cls(*[query.get(name, "") for name in _QUERY_NAMES])

    @classmethod
    def unescaped(cls, raw: str) -> "CallbackQuery | None":
        """Return the known parameters of a raw query, the first of repeated ones; None if it has escapes.

        The query of a push has none; this costs a third of a general parser.
        """
        if "%" in raw or "+" in raw:
            return None
        query: dict[str, str] = {}
        for pair in raw.split("&"):
            name, _, value = pair.partition("=")
            query.setdefault(name, value)
        return cls.from_mapping(query)


_QUERY_NAMES: Final = tuple(field.name for field in fields(CallbackQuery))


def is_late(query: CallbackQuery, now: float | None, max_age: float | None, repeat_age: float = 0.0) -> bool:
    """Return whether a request is older than `max_age` but not older than `repeat_age`.

    Raises:
        Forbidden: The timestamp is not a number, or is outside both windows.
    """
    # Digits only: with other characters, a sender could move text between timestamp and nonce under one signature.
    if not (query.timestamp.isascii() and query.timestamp.isdigit() and len(query.timestamp) <= 12):
        raise Forbidden("timestamp")
    if now is None or max_age is None:
        return False
    age = now - int(query.timestamp)
    if not -max_age <= age <= max(max_age, repeat_age):
        raise Forbidden(OUTSIDE_WINDOW)
    return age > max_age
