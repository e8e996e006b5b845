"""The state of the sandbox, in one object for all endpoints."""

from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from aiohttp import web

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.models import Account
from wxbus_sandbox.models import SendResult, Sent
from wxbus_sandbox.rules.bad_day import BadDays
from wxbus_sandbox.rules.calls import Call
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.faults import Faults
from wxbus_sandbox.rules.history import History
from wxbus_sandbox.rules.logins import Logins
from wxbus_sandbox.rules.media import MediaStore
from wxbus_sandbox.rules.platforms import Platforms
from wxbus_sandbox.rules.quotas import Quotas
from wxbus_sandbox.rules.robots import RobotCodes
from wxbus_sandbox.rules.tickets import Tickets
from wxbus_sandbox.rules.tokens import TokenIssuer
from wxbus_sandbox.rules.user_data import UserData
from wxbus_sandbox.rules.users import Users
from wxbus_sandbox.settings import Rules
from wxbus_sandbox.traces.store import Traces


class Part:
    """A part of the state of one account, which a family of endpoints keeps; empty when it is created."""


P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The state of the simulated WeChat."""

    accounts: Accounts
    rules: Rules
    clock: Clock
    faults: Faults
    bad_days: BadDays
    tokens: TokenIssuer
    quotas: Quotas
    tickets: Tickets
    platforms: Platforms
    users: Users
    media: MediaStore
    logins: Logins
    robot_codes: RobotCodes
    user_data: UserData
    sent: History[Sent]
    pushes: History[SendResult]
    retried: History[SendResult]
    """Pushes after each attempt that is followed by another attempt."""
    calls: History[Call]
    traces: Traces
    parts: dict[tuple[str, type[Part]], Any] = field(default_factory=dict)
    """By appid and class."""

    @classmethod
    def new(cls, accounts: Accounts, rules: Rules, clock: Clock) -> "Sandbox":
        """Return an empty state."""
        logins = Logins(clock, rules)
        tokens = TokenIssuer(clock, rules)
        return cls(
            accounts=accounts,
            rules=rules,
            clock=clock,
            faults=Faults(),
            bad_days=BadDays(tokens),
            tokens=tokens,
            quotas=Quotas(clock, rules, tokens),
            tickets=Tickets(clock, rules),
            platforms=Platforms(clock, rules),
            users=Users(clock, rules),
            media=MediaStore(clock, rules),
            logins=logins,
            robot_codes=RobotCodes(),
            user_data=UserData(clock, logins),
            sent=History(rules.history_size),
            pushes=History(rules.history_size),
            retried=History(rules.calls_kept),
            calls=History(rules.calls_kept),
            traces=Traces(),
        )

    def calling_account(self, request: web.Request) -> Account:
        """Return the account to which the request's access token belongs.

        Raises:
            ApiError: The token is missing, unknown, replaced or expired.
        """
        return self.account(self.tokens.appid_of(request.query.get("access_token", "")))

    def account(self, appid: str) -> Account:
        """Return an account of the file, or one that has authorised a platform of the file; raises UnknownAccount."""
        platforms = [self.accounts.of(platform).name for platform in self.platforms.authorized_by(appid)]
        return self.accounts.of(appid, via=platforms[0] if platforms else "")

    def part(self, appid: str, kind: type[P]) -> P:
        """Return the part of an account's state, created when it is first used."""
        found: P = self.parts.setdefault((appid, kind), kind())
        return found

    def reset(self) -> None:
        """Clear all state."""
        self.parts.clear()
        self.robot_codes.codes.clear()
        for part in (
            self.clock,
            self.faults,
            self.bad_days,
            self.tokens,
            self.quotas,
            self.tickets,
            self.platforms,
            self.users,
            self.media,
        ):
            part.reset()
        for record in (self.logins, self.user_data, self.sent, self.calls, self.retried, self.traces, self.pushes):
            record.reset()

    def close(self) -> None:
        """End all waits."""
        self.faults.reset()
        self.sent.close()
        self.calls.close()
        self.retried.close()
        self.pushes.close()
        self.traces.close()


SANDBOX: Final = web.AppKey("sandbox", Sandbox)
