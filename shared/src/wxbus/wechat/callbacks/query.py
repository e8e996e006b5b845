"""The query of a callback request, and the age of the request."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from wxbus.errors import Forbidden

OUTSIDE: Final = "timestamp outside the window"


@dataclass(frozen=True, slots=True)
class CallbackQuery:
    """The query of a callback (protocol reference 1.3); what is absent is ""."""

    signature: str = ""
    timestamp: str = ""
    nonce: str = ""
    msg_signature: str = ""
    encrypt_type: str = ""
    openid: str = ""
    """A hint only: who sent it stands in the document."""
    echostr: str = ""

    @classmethod
    def from_mapping(cls, query: Mapping[str, str]) -> "CallbackQuery":
        """Return what of a query is ours."""
        return cls(*(query.get(name, "") for name in _QUERY_NAMES))


_QUERY_NAMES: Final = tuple(field.name for field in fields(CallbackQuery))


def is_late(query: CallbackQuery, now: float | None, max_age: float | None, repeat_age: float = 0.0) -> bool:
    """Return whether a request is older than `max_age` though not than `repeat_age`; Forbidden if it is out of both."""
    # Digits only, or characters could move between timestamp and nonce under the same signature.
    if not (query.timestamp.isascii() and query.timestamp.isdigit() and len(query.timestamp) <= 12):
        raise Forbidden("timestamp")
    if now is None or max_age is None:
        return False
    age = now - int(query.timestamp)
    if not -max_age <= age <= max(max_age, repeat_age):
        raise Forbidden(OUTSIDE)
    return age > max_age
