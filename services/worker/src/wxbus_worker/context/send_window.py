"""The messages that WeChat still allows to a user, counted from the user's actions; stored with the context."""

from collections.abc import Mapping
from typing import Any, Final

from wxbus.wechat.replies.windows import KF_NONE_LEFT, MESSAGE, NONE_LEFT, OUT_OF_WINDOW, Allowance

TOLERANCE: Final = 60.0
"""Seconds by which clocks may differ: within this time WeChat decides."""


class SendWindow:
    """Counts messages that are sent. It refuses only messages that WeChat surely refuses.

    An unknown window allows everything. The user may have sent a message before the context existed: with the first
    known action such a message is assumed.
    """

    __slots__ = ("_allowances",)

    def __init__(self, stored: Mapping[str, Any] | None) -> None:
        self._allowances: dict[str, list[float]] = {name: list(one) for name, one in (stored or {}).items()}
        """By action: end of its window (seconds since the epoch), number of messages left, time of the action."""

    def to_json(self) -> Mapping[str, Any]:
        """Return the values that the context stores."""
        return self._allowances

    def renew(self, allowance: Allowance, at: float) -> None:
        """Record an action. Its time may equal or precede that of another action: clocks of ingress differ."""
        if not self._allowances:
            self._allowances[MESSAGE.action] = [at + MESSAGE.seconds, MESSAGE.messages, at]
        known = self._allowances.get(allowance.action, [0.0])
        until = max(known[0], at + allowance.seconds)
        self._allowances[allowance.action] = [until, allowance.messages, at]

    def spend(self, now: float) -> int:
        """Count a message; return the errcode with which WeChat would refuse it, 0 if it may be sent."""
        if not self._allowances:
            return 0
        open_ones = [one for one in self._allowances.values() if now <= one[0] + TOLERANCE]
        usable = min((one for one in open_ones if one[1] > 0), default=None)
        if usable is None:
            return NONE_LEFT if open_ones else OUT_OF_WINDOW
        usable[1] -= 1
        return 0

    def refused(self, errcode: int | None, at: float) -> None:
        """Correct the count: at this time WeChat refused a message that was counted. A later action stays as it is."""
        if errcode in (NONE_LEFT, OUT_OF_WINDOW, KF_NONE_LEFT):
            for one in self._allowances.values():
                if one[2] <= at:
                    one[1] = 0
                    one[0] = 0 if errcode == OUT_OF_WINDOW else one[0]
        elif latest := max(self._allowances.values(), default=None):
            latest[1] += 1
