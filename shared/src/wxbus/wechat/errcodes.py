"""WeChat's error codes and what to do about each (protocol reference 12)."""

from dataclasses import dataclass
from enum import StrEnum


class Policy(StrEnum):
    """What to do about an errcode."""

    OK = "ok"
    REFRESH = "refresh"
    """Report the token as bad, take the answer, repeat the call once."""
    BACKOFF = "backoff"
    """Repeat with growing, jittered delay, bounded."""
    WAIT = "wait"
    """Repeat not before the stated time."""
    REAUTH = "reauth"
    """The human or the authoriser must act."""
    STOP = "stop"
    """Never repeat, tell somebody."""
    DROP = "drop"
    """This recipient only: mark it and go on."""
    IGNORE = "ignore"
    """Nothing was lost by it."""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One errcode."""

    code: int
    meaning: str
    policy: Policy
    alert: bool = False
    """Somebody should be woken."""


def error_code(code: int) -> ErrorCode:
    """Return what we know of `code`; one that we do not know is never repeated."""
    return ErrorCode(code, "unknown", Policy.OK if code == 0 else Policy.STOP)
