"""Third-party platforms and the accounts that authorise them, by WeChat's rules (protocol reference 8.3)."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from wxbus_sandbox.rules.answers import Refusal
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.tokens import Issued
from wxbus_sandbox.settings import Rules

PERMISSIONS = (1, 2, 15)
"""What every account allows: messages, users, materials."""


@dataclass(slots=True)
class _Code:
    appid: str
    until: float


@dataclass(slots=True)
class Authorization:
    """What WeChat keeps of an account's authorisation."""

    appid: str
    refresh_token: str = field(repr=False)
    authorized_at: int


@dataclass(slots=True)
class _Books:
    """What is kept about one platform."""

    tickets: dict[str, float] = field(default_factory=dict)
    """When each expires."""
    codes: dict[str, _Code] = field(default_factory=dict)
    """Authorisation codes that were not exchanged yet."""
    authorizations: dict[str, Authorization] = field(default_factory=dict)
    pushes_started: int = 0


class Platforms:
    """All platforms, by appid."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules
        self._books: dict[str, _Books] = {}

    def make_ticket(self, platform: str) -> str:
        """Return a new component_verify_ticket; those before stay good for their time."""
        ticket = f"ticket@@@{secrets.token_urlsafe(48)}"
        self._of(platform).tickets[ticket] = self._clock.now() + self._rules.ticket_lifetime
        return ticket

    def check_ticket(self, platform: str, ticket: str) -> None:
        """Return if a ticket is good.

        Raises:
            Refusal: 61006: it is none of this platform's; 61005: expired.
        """
        expires = self._of(platform).tickets.get(ticket)
        if expires is None:
            raise Refusal(61006)
        if self._clock.now() >= expires:
            raise Refusal(61005)

    def start_push(self, platform: str) -> None:
        """Note that tickets are wanted."""
        self._of(platform).pushes_started += 1

    def pushes_started(self) -> dict[str, int]:
        """Return how often each platform asked for tickets."""
        return {platform: books.pushes_started for platform, books in self._books.items()}

    def pre_auth_code(self) -> Issued:
        """Return a code for one page of authorisation."""
        return Issued(f"preauthcode@@@{secrets.token_urlsafe(32)}", round(self._rules.pre_auth_code_lifetime))

    def authorize(self, platform: str, appid: str) -> str:
        """Let an account authorise a platform, or change what it may do; return the authorisation code."""
        books = self._of(platform)
        books.authorizations[appid] = Authorization(appid, _refresh_token(), int(self._clock.wall()))
        code = f"queryauthcode@@@{secrets.token_urlsafe(32)}"
        books.codes[code] = _Code(appid, self._clock.now() + self._rules.authorization_code_lifetime)
        return code

    def unauthorize(self, platform: str, appid: str) -> None:
        """Let an account withdraw its authorisation."""
        self._of(platform).authorizations.pop(appid, None)

    def exchange(self, platform: str, code: str) -> Authorization:
        """Return what an authorisation code stands for, once.

        Raises:
            Refusal: 61010: it was never given, is used or expired; 61003: the account has withdrawn since.
        """
        found = self._of(platform).codes.pop(code, None)
        if found is None or self._clock.now() >= found.until:
            raise Refusal(61010)
        return self.authorization(platform, found.appid)

    def authorization(self, platform: str, appid: str) -> Authorization:
        """Return an account's authorisation, or refuse with 61003."""
        found = self._of(platform).authorizations.get(appid)
        if found is None:
            raise Refusal(61003)
        return found

    def refresh(self, platform: str, appid: str, refresh_token: str) -> Authorization:
        """Return an account's authorisation with a new refresh token; the one before is worth nothing from now on.

        Raises:
            Refusal: 61003: not authorised; 61023: another refresh token.
        """
        found = self.authorization(platform, appid)
        if found.refresh_token != refresh_token:
            raise Refusal(61023)
        found.refresh_token = _refresh_token()
        return found

    def authorizations(self, platform: str) -> list[Authorization]:
        """Return all authorisations of a platform, by appid."""
        return sorted(self._of(platform).authorizations.values(), key=lambda one: one.appid)

    def authorized_by(self, appid: str) -> Iterator[str]:
        """Yield the platforms that an account has authorised."""
        yield from (platform for platform, books in self._books.items() if appid in books.authorizations)

    def reset(self) -> None:
        """Forget all platforms know."""
        self._books.clear()

    def _of(self, platform: str) -> _Books:
        return self._books.setdefault(platform, _Books())


def _refresh_token() -> str:
    return f"refreshtoken@@@{secrets.token_urlsafe(32)}"
