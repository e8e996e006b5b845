"""What Redis has of one credential."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wxbus_token.credentials.failures import Failure, State


@dataclass(frozen=True, slots=True)
class Record:
    """What Redis has of one credential, at one moment."""

    sealed: bytes | None = field(default=None, repr=False)
    digest: str = ""
    """Of the value; "" if there is none."""
    expires_in: float = 0.0
    refresh_in: float = 0.0
    fence: int = 0
    """Of who wrote the value."""
    dead: bool = False
    """WeChat called the value invalid before its time."""
    means: bytes | None = field(default=None, repr=False)
    """What the next value is fetched with, sealed: a refresh token, a ticket."""
    means_digest: str = ""
    withdrawn: bool = False
    """The account has taken back its authorisation."""
    false_reports: int = 0
    """Reports of this value that WeChat contradicted."""
    failure: Failure | None = None
    """Of the last fetch; nobody asks again while its `wait` is above 0."""
    failures: int = 0
    """In a row."""


def record_of(row: Sequence[Any], fingerprint: str) -> Record:
    """Return what `read.lua` answers with; `fingerprint` is of what WeChat is asked with now."""
    now, sealed, digest, fence, expires, refresh, dead, means, means_digest, withdrawn, false_reports, *failed = row

    def seconds(moment: bytes | None) -> float:
        return (int(moment) - int(now)) / 1000 if moment else 0.0

    text, errcode, state, lasting, until, count, failed_with = failed
    failure = None
    # A refusal of a secret that was changed since does not bind.
    if until and _text(failed_with) == fingerprint:
        failure = Failure(
            _text(text),
            seconds(until),
            lasting=lasting == b"1",
            errcode=int(errcode) if errcode else None,
            state=State(_text(state)),
        )
    return Record(
        sealed,
        _text(digest),
        seconds(expires),
        seconds(refresh),
        int(fence or 0),
        dead == b"1",
        means,
        _text(means_digest),
        withdrawn == b"1",
        int(false_reports or 0),
        failure,
        int(count or 0),
    )


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")
