"""Third-party platforms and the accounts that authorise them (protocol reference 8.3)."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.rules.tokens import Issued
from wxbus_sandbox.settings import Rules

PERMISSIONS = (1, 2, 15)
"""The permissions that every account grants: messages, users, materials."""


@dataclass(slots=True)
class _Code:
    appid: str
    until: float


@dataclass(slots=True)
class Authorization:
    """An account's authorisation of a platform."""

    appid: str
    refresh_token: str = field(repr=False)
    authorized_at: int


@dataclass(slots=True)
class _Platform:
    """The state of one platform."""

    tickets: dict[str, float] = field(default_factory=dict)
    """The time when each expires."""
    codes: dict[str, _Code] = field(default_factory=dict)
    """Authorisation codes that were not exchanged yet."""
    authorizations: dict[str, Authorization] = field(default_factory=dict)
    pushes_started: int = 0


class Platforms:
    """All platforms, by appid."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules
        self._platforms: dict[str, _Platform] = {}

    def make_ticket(self, platform: str) -> str:
        """Return a new component_verify_ticket; earlier ones stay valid until they expire."""
        ticket = f"ticket@@@{secrets.token_urlsafe(48)}"
        self._of(platform).tickets[ticket] = self._clock.now() + self._rules.ticket_lifetime
        return ticket

    def check_ticket(self, platform: str, ticket: str) -> None:
        """Check a ticket.

        Raises:
            ApiError: 61006: unknown to this platform; 61005: expired.
        """
        expires = self._of(platform).tickets.get(ticket)
        if expires is None:
            raise ApiError(61006)
        if self._clock.now() >= expires:
            raise ApiError(61005)

    def start_push(self, platform: str) -> None:
        """Count a request for tickets."""
        self._of(platform).pushes_started += 1

    def pushes_started(self) -> dict[str, int]:
        """Return the number of requests for tickets, by platform."""
        return {platform: state.pushes_started for platform, state in self._platforms.items()}

    def pre_auth_code(self) -> Issued:
        """Return a code for an authorisation page."""
        return Issued(f"preauthcode@@@{secrets.token_urlsafe(32)}", round(self._rules.pre_auth_code_lifetime))

    def authorize(self, platform: str, appid: str) -> str:
        """Authorise a platform for an account, or change the authorisation; return the authorisation code."""
        state = self._of(platform)
        state.authorizations[appid] = Authorization(appid, _refresh_token(), int(self._clock.wall()))
        code = f"queryauthcode@@@{secrets.token_urlsafe(32)}"
        state.codes[code] = _Code(appid, self._clock.now() + self._rules.authorization_code_lifetime)
        return code

    def unauthorize(self, platform: str, appid: str) -> None:
        """Withdraw the authorisation of an account."""
        self._of(platform).authorizations.pop(appid, None)

    def exchange(self, platform: str, code: str) -> Authorization:
        """Return the authorisation of a code, which can be used once.

        Raises:
            ApiError: 61010: unknown, used or expired; 61003: the authorisation was withdrawn.
        """
        found = self._of(platform).codes.pop(code, None)
        if found is None or self._clock.now() >= found.until:
            raise ApiError(61010)
        return self.authorization(platform, found.appid)

    def authorization(self, platform: str, appid: str) -> Authorization:
        """Return an account's authorisation; raises ApiError 61003 without one."""
        found = self._of(platform).authorizations.get(appid)
        if found is None:
            raise ApiError(61003)
        return found

    def refresh(self, platform: str, appid: str, refresh_token: str) -> Authorization:
        """Return an account's authorisation with a new refresh token, which invalidates the previous one.

        Raises:
            ApiError: 61003: not authorised; 61023: wrong refresh token.
        """
        found = self.authorization(platform, appid)
        if found.refresh_token != refresh_token:
            raise ApiError(61023)
        found.refresh_token = _refresh_token()
        return found

    def authorizations(self, platform: str) -> list[Authorization]:
        """Return all authorisations of a platform, by appid."""
        return sorted(self._of(platform).authorizations.values(), key=lambda authorization: authorization.appid)

    def authorized_by(self, appid: str) -> Iterator[str]:
        """Yield the platforms that the account has authorised."""
        yield from (platform for platform, state in self._platforms.items() if appid in state.authorizations)

    def reset(self) -> None:
        """Remove all state."""
        self._platforms.clear()

    def _of(self, platform: str) -> _Platform:
        return self._platforms.setdefault(platform, _Platform())


def _refresh_token() -> str:
    return f"refreshtoken@@@{secrets.token_urlsafe(32)}"
