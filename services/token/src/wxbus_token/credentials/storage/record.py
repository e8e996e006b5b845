"""The record of one credential in Redis."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wxbus.errors import TokenRefused
from wxbus_token.credentials.failures import Failure, State


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one credential, as it was read."""

    encrypted: bytes | None = field(default=None, repr=False)
    """The value."""
    digest: str = ""
    """Digest of the value; "" if the record has none."""
    expires_in: float = 0.0
    refresh_in: float = 0.0
    fence: int = 0
    """The fence under which the value was written."""
    rejected: bool = False
    """The value was reported, and WeChat does not accept it."""
    grant: bytes | None = field(default=None, repr=False)
    """The refresh token or ticket that the next value is fetched with, encrypted."""
    grant_digest: str = ""
    withdrawn: bool = False
    """The account has withdrawn its authorisation of the platform."""
    false_reports: int = 0
    """Reports of this value although WeChat accepts it."""
    failure: Failure | None = None
    """The failure of the last fetch; WeChat is not asked while its `wait` is above 0."""
    failures: int = 0
    """Failed fetches in a row."""
    stamp: bytes = b""
    """Changes whenever a cached value must be updated from the record."""

    @property
    def due(self) -> bool:
        """Whether there is a value that must be replaced now."""
        waiting = self.failure is not None and self.failure.wait > 0
        return bool(self.digest) and (self.refresh_in <= 0 or self.rejected) and not waiting

    @property
    def valid(self) -> bool:
        """Whether there is a value to return."""
        return bool(self.digest) and self.expires_in > 0 and not self.rejected and not self.withdrawn

    def check_fetch(self, *, ignore_failure: bool = False) -> None:
        """Return if WeChat may be asked now.

        Raises:
            TokenRefused: The account has withdrawn its authorisation, or the last failure needs an operator.
            TokenUnavailable: The wait after the last failure is not over.
        """
        if self.withdrawn:
            raise TokenRefused(
                "the account has withdrawn its authorisation of the platform", errcode=61003, state=State.REAUTHORIZE
            )
        if self.failure is not None and self.failure.wait > 0 and not ignore_failure:
            raise self.failure.error()


def record_of(row: Sequence[Any], fingerprint: str) -> Record:
    """Return the record in an answer of `read_record.lua`; `fingerprint` is the credential's current one."""
    now, encrypted, digest, fence, expires_at, refresh_at, rejected, grant, grant_digest, withdrawn, *rest = row
    false_reports, text, errcode, state, lasting, until, failures, failed_with = rest

    def seconds(moment: bytes | None) -> float:
        return (int(moment) - int(now)) / 1000 if moment else 0.0

    failure = None
    # A refusal of the previous secret does not apply to a new one.
    if until and _text(failed_with) == fingerprint:
        failure = Failure(
            _text(text),
            seconds(until),
            lasting=lasting == b"1",
            errcode=int(errcode) if errcode else None,
            state=State(_text(state)),
        )
    return Record(
        encrypted,
        _text(digest),
        seconds(expires_at),
        seconds(refresh_at),
        int(fence or 0),
        rejected == b"1",
        grant,
        _text(grant_digest),
        withdrawn == b"1",
        int(false_reports or 0),
        failure,
        int(failures or 0),
        stamp_of(digest, fence, expires_at, rejected, withdrawn),
    )


def stamp_of(*fields: bytes | None) -> bytes:
    """Return the stamp of these fields, as `find_changed.lua` forms it."""
    return b" ".join(value or b"" for value in fields)


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")
