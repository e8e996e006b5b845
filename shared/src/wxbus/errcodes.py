"""WeChat's error codes and the reaction to each (protocol reference 12): the table `errcodes.csv`."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final


class Policy(StrEnum):
    """The reaction to an errcode."""

    OK = "ok"
    REFRESH = "refresh"
    """Report the token as invalid and retry once with the new token.

    In a call that fetches a token, 40001 means a wrong secret; it is not retried.
    """
    BACKOFF = "backoff"
    """Retry with increasing, jittered delays within a limit; a send at most once."""
    WAIT = "wait"
    """Retry after `ErrorCode.wait` at the earliest."""
    REAUTH = "reauth"
    """The user or the authorizer must act."""
    RELOGIN = "relogin"
    """The Mini Program must call `wx.login` again: the code or session key is invalid."""
    STOP = "stop"
    """Do not retry; report it."""
    DROP = "drop"
    """Give up on this recipient and continue with others."""
    IGNORE = "ignore"
    """Harmless."""


class Branch(StrEnum):
    """The exception class of an errcode, in `wxbus.errors`."""

    TOKEN_INVALID = "TokenInvalid"  # noqa: S105 - the name of a class
    SERVER_BUSY = "ServerBusy"
    RATE_LIMITED = "RateLimited"
    QUOTA_EXCEEDED = "QuotaExceeded"
    OUT_OF_WINDOW = "OutOfWindow"
    USER_REFUSED = "UserRefused"
    LOGIN_REQUIRED = "LoginRequired"
    NOT_PERMITTED = "NotPermitted"
    BAD_REQUEST = "BadRequest"


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One errcode."""

    code: int
    meaning: str
    policy: Policy
    branch: Branch | None = None
    """None: the call was done, or the code is unknown."""
    alert: bool = False
    """An operator must be alerted."""
    wait: int | None = None
    """Minimum seconds before a retry; None: unknown, or until WeChat's day ends."""


def _rows() -> Iterator[ErrorCode]:
    with Path(__file__).with_name("errcodes.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            yield ErrorCode(
                int(row["code"]),
                row["meaning"],
                Policy(row["policy"]),
                Branch(row["branch"]) if row["branch"] else None,
                alert=row["alert"] == "yes",
                wait=int(row["wait"]) if row["wait"] else None,
            )


ERROR_CODES: Final[Mapping[int, ErrorCode]] = {entry.code: entry for entry in _rows()}
"""All known codes."""


def error_code(code: int) -> ErrorCode:
    """Return the entry of `code`; an unknown code has the policy STOP."""
    return ERROR_CODES.get(code) or ErrorCode(code, "unknown", Policy.STOP)
