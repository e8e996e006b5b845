"""WeChat's users, and who of them may be written to: each of their actions opens a window (protocol reference 9.1)."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from wxbus.accounts.models import Account, AccountKind
from wxbus_sandbox.rules.answers import Refusal
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.settings import Rules

OPENID: Final = re.compile(r"o[\w-]{1,63}", re.ASCII)


class Action(StrEnum):
    """What a user did; each kind has an allowance of its own, renewed by the next action of that kind."""

    MESSAGE = "message"
    MENU = "menu"
    FOLLOW = "follow"
    SCAN = "scan"
    ENTER = "enter"


EVENTS: Final = {
    AccountKind.OFFICIAL_ACCOUNT: {
        "click": Action.MENU,
        "scancode_push": Action.MENU,
        "scancode_waitmsg": Action.MENU,
        "subscribe": Action.FOLLOW,
        "scan": Action.SCAN,
    },
    AccountKind.MINI_PROGRAM: {"user_enter_tempsession": Action.ENTER},
}


@dataclass(slots=True)
class _Allowance:
    until: float
    left: int


@dataclass(slots=True)
class _User:
    allowances: dict[Action, _Allowance] = field(default_factory=dict)
    left: bool = False
    """Follows no longer."""
    acted_at: float = 0.0
    typing_until: float = 0.0


class Users:
    """Everybody who ever acted towards one of the accounts."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules
        self._users: dict[tuple[str, str], _User] = {}

    def acted(self, account: Account, openid: str, document: dict[str, Any]) -> None:
        """Note what a user did, as the push about it says, and open the window it opens."""
        user = self._users.setdefault((account.appid, openid), _User())
        event = str(document.get("Event", "")).lower() if document.get("MsgType") == "event" else None
        user.left = event == "unsubscribe"
        if user.left:
            user.allowances.clear()
            return
        user.acted_at = now = self._clock.now()
        action = Action.MESSAGE if event is None else EVENTS.get(account.kind, {}).get(event)
        if action is None:
            return
        rules = self._rules
        if action is Action.MESSAGE:
            user.allowances[action] = _Allowance(now + rules.message_window, rules.message_allowance)
        else:
            count = rules.enter_allowance if action is Action.ENTER else rules.action_allowance
            user.allowances[action] = _Allowance(now + rules.action_window, count)

    def known(self, appid: str, openid: str) -> bool:
        """Return whether this user ever acted towards the account."""
        return (appid, openid) in self._users

    def check(self, appid: str, openid: object) -> str:
        """Return the openid if it is one of this account's followers, or somebody nobody has heard of.

        Raises:
            Refusal: 40003: it is no openid, another account's, or that of somebody who follows no longer.
        """
        if not isinstance(openid, str):
            raise Refusal(40003)
        if user := self._users.get((appid, openid)):
            if user.left:
                raise Refusal(40003)
            return openid
        if not OPENID.fullmatch(openid) or any(other == openid for _, other in self._users):
            raise Refusal(40003)
        return openid

    def spend(self, appid: str, openid: str) -> None:
        """Count one customer-service message; of several open windows the one that closes first pays.

        Raises:
            Refusal: 45015: no window is open; 45047: the allowances of all open ones are used up.
        """
        user = self._users.get((appid, openid))
        if user:
            user.typing_until = 0.0
        if not self._rules.enforce_windows:
            return
        now = self._clock.now()
        open_ones = [one for one in user.allowances.values() if now < one.until] if user else []
        if not open_ones:
            raise Refusal(45015)
        left = [one for one in open_ones if one.left]
        if not left:
            raise Refusal(45047)
        min(left, key=lambda one: one.until).left -= 1

    def typing(self, appid: str, openid: str, *, on: bool) -> None:
        """Show or hide that somebody is typing.

        Raises:
            Refusal: 45080: the user did nothing in the last 30 s; 45081: it is shown already.
        """
        user, now = self._users.get((appid, openid)), self._clock.now()
        if user is None or now - user.acted_at > self._rules.typing_window:
            raise Refusal(45080)
        if on and now < user.typing_until:
            raise Refusal(45081)
        user.typing_until = now + self._rules.typing_lasts if on else 0.0

    def reset(self) -> None:
        """Forget everybody."""
        self._users.clear()
