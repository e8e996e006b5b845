"""Access tokens by WeChat's rules, which differ by family (protocol reference 8.1)."""

import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.settings import Rules

SHAPE: Final = re.compile(r"\d+_[\w-]{100,500}")
DAY: Final = 86400
CHINA: Final = 8 * 3600
"""Daily quotas are reset at midnight in China (not confirmed)."""


class Family(StrEnum):
    """The call that issued a token."""

    CLASSIC = "classic"
    STABLE = "stable"
    WECOM = "wecom"
    COMPONENT = "component"
    """For a third-party platform itself."""
    AUTHORIZER = "authorizer"
    """For an account, issued to the platform that it has authorised."""


@dataclass(slots=True)
class _Token:
    value: str
    appid: str
    family: Family
    expires_at: float
    valid_until: float
    """Before `expires_at` if the token was replaced or invalidated."""
    stuck: bool = False
    """Whether normal fetches return the token although it is invalid."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A token or ticket, as a fetch returns it."""

    value: str = field(repr=False)
    expires_in: int


@dataclass(slots=True)
class Counts:
    """Successful token fetches of one account."""

    classic: int = 0
    stable: int = 0
    """Includes forced ones."""
    forced: int = 0
    """Forced fetches that issued a new token."""
    wecom: int = 0
    component: int = 0
    authorizer: int = 0
    issued: int = 0
    """Issued tokens of all families."""


@dataclass(slots=True)
class Quota:
    """A limited count per period."""

    length: float
    period: int = -1
    used: int = 0

    def take(self, now: float, limit: int) -> bool:
        """Count one use; return False if the limit is reached."""
        period = int((now + CHINA) // self.length)
        if period != self.period:
            self.period, self.used = period, 0
        if self.used >= limit:
            return False
        self.used += 1
        return True


@dataclass(slots=True)
class _AccountTokens:
    """The tokens, counts and quotas of one account."""

    current: dict[Family, _Token] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    stable_minute: Quota = field(default_factory=lambda: Quota(60))
    stable_day: Quota = field(default_factory=lambda: Quota(DAY))
    forced_day: Quota = field(default_factory=lambda: Quota(DAY))
    classic_day: Quota = field(default_factory=lambda: Quota(DAY))
    forced_at: float | None = None


class TokenIssuer:
    """Issues, replaces and checks the tokens of all accounts."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules
        self._accounts: dict[str, _AccountTokens] = {}
        self._tokens: dict[str, _Token] = {}

    def fetch_classic(self, appid: str) -> Issued:
        """Return a new token; the previous one stays valid for the overlap.

        Raises:
            ApiError: 45009: the daily quota is used up.
        """
        tokens = self._of(appid)
        if not tokens.classic_day.take(self._clock.now(), self._rules.classic_per_day):
            raise ApiError(45009)
        tokens.counts.classic += 1
        return self._issued(self._replace(appid, Family.CLASSIC, overlap=self._rules.token_overlap))

    def fetch_stable(self, appid: str, *, force: bool = False) -> Issued:
        """Return the current token, or a new one if it expires soon. `force` replaces and invalidates it.

        Raises:
            ApiError: 45011: the quota per minute is used up; 45009: the daily quota, or that of forced fetches, is.
        """
        tokens, now = self._of(appid), self._clock.now()
        if not tokens.stable_minute.take(now, self._rules.stable_per_minute):
            raise ApiError(45011)
        if not tokens.stable_day.take(now, self._rules.stable_per_day):
            raise ApiError(45009)
        token = tokens.current.get(Family.STABLE)
        if force and (tokens.forced_at is None or now - tokens.forced_at >= self._rules.forced_interval):
            if not tokens.forced_day.take(now, self._rules.forced_per_day):
                raise ApiError(45009)
            tokens.forced_at = now
            tokens.counts.forced += 1
            token = self._replace(appid, Family.STABLE, overlap=0)
        elif (
            token is None
            or token.expires_at - now <= self._rules.stable_renewal
            or not (token.stuck or now < token.valid_until)
        ):
            token = self._replace(appid, Family.STABLE, overlap=self._rules.token_overlap)
        tokens.counts.stable += 1
        return self._issued(token)

    def fetch_wecom(self, appid: str) -> Issued:
        """Return the current token of a WeCom application, or a new one if it is not valid."""
        tokens = self._of(appid)
        token = tokens.current.get(Family.WECOM)
        if token is None or self._clock.now() >= token.valid_until:
            token = self._replace(appid, Family.WECOM, overlap=0)
        tokens.counts.wecom += 1
        return self._issued(token)

    def issue(self, appid: str, family: Literal[Family.COMPONENT, Family.AUTHORIZER]) -> Issued:
        """Return a new token; the previous one stays valid for the overlap."""
        counts = self._of(appid).counts
        if family is Family.COMPONENT:
            counts.component += 1
        else:
            counts.authorizer += 1
        return self._issued(self._replace(appid, family, overlap=self._rules.token_overlap))

    def appid_of(self, value: str, family: Family | None = None) -> str:
        """Return the appid of the account to which a token belongs.

        Args:
            value: The token.
            family: Its required family; None for any but a platform's own.

        Raises:
            ApiError: 41001: no token; 40014: not a token; 40001: replaced, invalid or unknown; 42001: expired;
                61014: another family.
        """
        if not value:
            raise ApiError(41001)
        token = self._tokens.get(value)
        if token is None:
            raise ApiError(40001 if SHAPE.fullmatch(value) else 40014)
        now = self._clock.now()
        if now >= token.expires_at:
            raise ApiError(42001)
        if now >= token.valid_until:
            raise ApiError(40001)
        if family not in {None, token.family} or (family is None and token.family is Family.COMPONENT):
            raise ApiError(61014)
        return token.appid

    def invalidate(self, appid: str, family: Family | None = None, *, stuck: bool = False) -> None:
        """Invalidate the tokens of an account early, as a password change does.

        With `stuck`, normal fetches return the invalid stable token until a refresh is forced.
        """
        now = self._clock.now()
        for token in self._tokens.values():
            if token.appid == appid and family in {None, token.family}:
                token.valid_until = min(token.valid_until, now)
                token.stuck = stuck

    def counts(self) -> dict[str, Counts]:
        """Return the token fetches of each account."""
        return {appid: tokens.counts for appid, tokens in self._accounts.items()}

    def reset(self) -> None:
        """Remove all tokens, so that issued ones are rejected."""
        self._accounts.clear()
        self._tokens.clear()

    def _of(self, appid: str) -> _AccountTokens:
        return self._accounts.setdefault(appid, _AccountTokens())

    def _replace(self, appid: str, family: Family, *, overlap: float) -> _Token:
        now, tokens = self._clock.now(), self._of(appid)
        if previous := tokens.current.get(family):
            previous.valid_until = min(previous.valid_until, now + overlap)
        for token in [token for token in self._tokens.values() if token.expires_at < now - DAY]:
            del self._tokens[token.value]
        value = f"{80 + secrets.randbelow(20)}_{secrets.token_urlsafe(96)}"
        expires_at = now + self._rules.token_lifetime
        token = self._tokens[value] = tokens.current[family] = _Token(value, appid, family, expires_at, expires_at)
        tokens.counts.issued += 1
        return token

    def _issued(self, token: _Token) -> Issued:
        return Issued(token.value, round(token.expires_at - self._clock.now()))
