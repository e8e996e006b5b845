"""WeChat's users and their message windows, which their actions open (protocol reference 9.1)."""

import re
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from wxbus.accounts.models import Account, AccountKind
from wxbus_sandbox.rules.clock import Clock
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.settings import Rules

OPENID: Final = re.compile(r"o[\w-]{1,63}", re.ASCII)


class Action(StrEnum):
    """A kind of user action; each kind has its own allowance, which the next action of that kind renews."""

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
    remaining: int


@dataclass(slots=True)
class _User:
    allowances: dict[Action, _Allowance] = field(default_factory=dict)
    unsubscribed: bool = False
    acted_at: float = 0.0
    typing_until: float = 0.0


class Users:
    """All users who acted towards an account."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules
        self._users: dict[tuple[str, str], _User] = {}

    def record_action(self, account: Account, openid: str, document: dict[str, Any]) -> None:
        """Record the action of a push, and open the window that it opens."""
        user = self._users.setdefault((account.appid, openid), _User())
        event = str(document.get("Event", "")).lower() if document.get("MsgType") == "event" else None
        user.unsubscribed = event == "unsubscribe"
        if user.unsubscribed:
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

    def lift_limit(self, appid: str, openid: str) -> None:
        """Allow any number of messages in the window of the user's last message."""
        self._users[appid, openid].allowances[Action.MESSAGE].remaining = sys.maxsize

    def is_known(self, appid: str, openid: str) -> bool:
        """Return whether the user acted towards the account."""
        return (appid, openid) in self._users

    def followers(self, appid: str) -> list[str]:
        """Return the openids of the followers of the account, in the order of their first action."""
        return [openid for (of, openid), user in self._users.items() if of == appid and not user.unsubscribed]

    def has_unsubscribed(self, appid: str, openid: str) -> bool:
        """Return whether the user acted before and does not follow the account any more."""
        user = self._users.get((appid, openid))
        return user is not None and user.unsubscribed

    def check_openid(self, appid: str, openid: object) -> str:
        """Return the openid if it belongs to a subscriber of the account, or is unknown.

        Raises:
            ApiError: 40003: the openid is not valid, belongs to another account, or has unsubscribed.
        """
        if not isinstance(openid, str):
            raise ApiError(40003)
        if user := self._users.get((appid, openid)):
            if user.unsubscribed:
                raise ApiError(40003)
            return openid
        if not OPENID.fullmatch(openid) or any(other == openid for _, other in self._users):
            raise ApiError(40003)
        return openid

    def use_allowance(self, appid: str, openid: str) -> None:
        """Count a customer-service message against the open window that closes first.

        Raises:
            ApiError: 45015: no window is open; 45047: the allowances of all open windows are used up.
        """
        user = self._users.get((appid, openid))
        if user:
            user.typing_until = 0.0
        if not self._rules.enforce_windows:
            return
        now = self._clock.now()
        windows = [window for window in user.allowances.values() if now < window.until] if user else []
        if not windows:
            raise ApiError(45015)
        usable = [window for window in windows if window.remaining]
        if not usable:
            raise ApiError(45047)
        min(usable, key=lambda window: window.until).remaining -= 1

    def typing(self, appid: str, openid: str, *, on: bool) -> None:
        """Show or hide the typing indicator.

        Raises:
            ApiError: 45080: the user has not acted in the last 30 s; 45081: the indicator is shown already.
        """
        user, now = self._users.get((appid, openid)), self._clock.now()
        if user is None or now - user.acted_at > self._rules.typing_window:
            raise ApiError(45080)
        if on and now < user.typing_until:
            raise ApiError(45081)
        user.typing_until = now + self._rules.typing_lasts if on else 0.0

    def reset(self) -> None:
        """Remove all users."""
        self._users.clear()
