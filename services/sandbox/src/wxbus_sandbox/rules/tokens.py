"""Access tokens by WeChat's rules: two families, side by side, each with a rule of its own (protocol reference 8.1)."""

import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from wxbus_sandbox.rules.answers import Refusal
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.settings import Rules

SHAPE: Final = re.compile(r"\d+_[\w-]{100,500}")
DAY: Final = 86400
CHINA: Final = 8 * 3600
"""Quotas of a day start anew at midnight in China (not confirmed)."""


class Family(StrEnum):
    """Which call made a token."""

    CLASSIC = "classic"
    STABLE = "stable"
    WECOM = "wecom"
    COMPONENT = "component"
    """Of a third-party platform itself."""
    AUTHORIZER = "authorizer"
    """Of an account, given to the platform that it has authorised."""


@dataclass(slots=True)
class _Token:
    value: str
    appid: str
    family: Family
    expires_at: float
    valid_until: float
    """Before `expires_at` if it was replaced or made invalid."""
    stuck: bool = False
    """Invalid, but normal fetches go on giving it."""


@dataclass(frozen=True, slots=True)
class Issued:
    """An answer to a fetch."""

    value: str = field(repr=False)
    expires_in: int


@dataclass(slots=True)
class Counts:
    """Successful fetches of one account's tokens."""

    classic: int = 0
    stable: int = 0
    """Forced ones among them."""
    forced: int = 0
    """Those that were forced and made a new token."""
    wecom: int = 0
    component: int = 0
    authorizer: int = 0
    issued: int = 0
    """Tokens made, of all families."""


@dataclass(slots=True)
class _Quota:
    """A count that starts anew with each period."""

    length: float
    period: int = -1
    used: int = 0

    def take(self, now: float, limit: int) -> bool:
        """Count one more, unless the limit is reached."""
        period = int((now + CHINA) // self.length)
        if period != self.period:
            self.period, self.used = period, 0
        if self.used >= limit:
            return False
        self.used += 1
        return True


@dataclass(slots=True)
class _Books:
    """What is kept about one account."""

    current: dict[Family, _Token] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    stable_minute: _Quota = field(default_factory=lambda: _Quota(60))
    forced_day: _Quota = field(default_factory=lambda: _Quota(DAY))
    classic_day: _Quota = field(default_factory=lambda: _Quota(DAY))
    forced_at: float | None = None


class TokenMint:
    """Makes, replaces and checks the tokens of all accounts."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules
        self._books: dict[str, _Books] = {}
        self._tokens: dict[str, _Token] = {}

    def fetch_classic(self, appid: str) -> Issued:
        """Return a new token; the one before goes on for the overlap.

        Raises:
            Refusal: 45009: too many today.
        """
        books = self._of(appid)
        if not books.classic_day.take(self._clock.now(), self._rules.classic_per_day):
            raise Refusal(45009)
        books.counts.classic += 1
        return self._issued(self._replace(appid, Family.CLASSIC, overlap=self._rules.token_overlap))

    def fetch_stable(self, appid: str, *, force: bool = False) -> Issued:
        """Return the current token, or a new one if it is near its end; `force`: a new one, the one before is dead.

        Raises:
            Refusal: 45011: too many this minute; 45009: too many forced ones today.
        """
        books, now = self._of(appid), self._clock.now()
        if not books.stable_minute.take(now, self._rules.stable_per_minute):
            raise Refusal(45011)
        token = books.current.get(Family.STABLE)
        if force and (books.forced_at is None or now - books.forced_at >= self._rules.forced_interval):
            if not books.forced_day.take(now, self._rules.forced_per_day):
                raise Refusal(45009)
            books.forced_at = now
            books.counts.forced += 1
            token = self._replace(appid, Family.STABLE, overlap=0)
        elif (
            token is None
            or token.expires_at - now <= self._rules.stable_renewal
            or not (token.stuck or now < token.valid_until)
        ):
            token = self._replace(appid, Family.STABLE, overlap=self._rules.token_overlap)
        books.counts.stable += 1
        return self._issued(token)

    def fetch_wecom(self, appid: str) -> Issued:
        """Return the current token of one of WeCom's applications, a new one if there is none that is valid."""
        books = self._of(appid)
        token = books.current.get(Family.WECOM)
        if token is None or self._clock.now() >= token.valid_until:
            token = self._replace(appid, Family.WECOM, overlap=0)
        books.counts.wecom += 1
        return self._issued(token)

    def issue(self, appid: str, family: Literal[Family.COMPONENT, Family.AUTHORIZER]) -> Issued:
        """Return a new token; the one before goes on for the overlap."""
        counts = self._of(appid).counts
        if family is Family.COMPONENT:
            counts.component += 1
        else:
            counts.authorizer += 1
        return self._issued(self._replace(appid, family, overlap=self._rules.token_overlap))

    def appid_of(self, value: str, family: Family | None = None) -> str:
        """Return the account a token is good for.

        Args:
            value: The token.
            family: What it must be; None: anything but a platform's own.

        Raises:
            Refusal: 41001: none given; 40014: this is no token; 40001: replaced, invalid or never made; 42001: expired;
                61014: of another kind.
        """
        if not value:
            raise Refusal(41001)
        token = self._tokens.get(value)
        if token is None:
            raise Refusal(40001 if SHAPE.fullmatch(value) else 40014)
        now = self._clock.now()
        if now >= token.expires_at:
            raise Refusal(42001)
        if now >= token.valid_until:
            raise Refusal(40001)
        if family not in {None, token.family} or (family is None and token.family is Family.COMPONENT):
            raise Refusal(61014)
        return token.appid

    def invalidate(self, appid: str, family: Family | None = None, *, stuck: bool = False) -> None:
        """Make all of an account's tokens invalid before their time, as a password change does.

        `stuck`: normal fetches of the stable token go on giving the dead one, until somebody forces a new one.
        """
        now = self._clock.now()
        for token in self._tokens.values():
            if token.appid == appid and family in {None, token.family}:
                token.valid_until = min(token.valid_until, now)
                token.stuck = stuck

    def counts(self) -> dict[str, Counts]:
        """Return how often tokens of each account were fetched."""
        return {appid: books.counts for appid, books in self._books.items()}

    def reset(self) -> None:
        """Forget all tokens: those out there are refused from now on."""
        self._books.clear()
        self._tokens.clear()

    def _of(self, appid: str) -> _Books:
        return self._books.setdefault(appid, _Books())

    def _replace(self, appid: str, family: Family, *, overlap: float) -> _Token:
        now, books = self._clock.now(), self._of(appid)
        if before := books.current.get(family):
            before.valid_until = min(before.valid_until, now + overlap)
        for token in [token for token in self._tokens.values() if token.expires_at < now - DAY]:
            del self._tokens[token.value]
        value = f"{80 + secrets.randbelow(20)}_{secrets.token_urlsafe(96)}"
        expires_at = now + self._rules.token_lifetime
        token = self._tokens[value] = books.current[family] = _Token(value, appid, family, expires_at, expires_at)
        books.counts.issued += 1
        return token

    def _issued(self, token: _Token) -> Issued:
        return Issued(token.value, round(token.expires_at - self._clock.now()))
