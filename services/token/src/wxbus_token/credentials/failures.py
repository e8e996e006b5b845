"""Classifies failed fetches: how long to wait before the next one, and whether an operator must act.

The error codes are those of protocol reference 12.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wxbus.errcodes import Policy
from wxbus.errors import TokenRefused, TokenUnavailable, WeChatError, WeChatUnavailable
from wxbus_token.credentials.errors import LimitReached
from wxbus_token.credentials.timing import until_next_day
from wxbus_token.kinds import GrantMissing

FIRST_WAIT: Final = 1.0
"""Seconds until the next fetch after a failure without an error code; doubled by each further failure in a row."""
LAST_WAIT: Final = 60.0
REFUSED_WAIT: Final = 300.0
"""Seconds between attempts while WeChat refuses."""
QUOTA_WAIT: Final = 3600.0
TICKET_WAIT: Final = 600.0
"""WeChat pushes a component_verify_ticket every ten minutes; its arrival ends the wait."""


class State(StrEnum):
    """Why there is no fresh value; each state asks for a different action."""

    UNAVAILABLE = "unavailable"
    """WeChat does not answer, or is busy; this passes."""
    REQUEST_LIMIT = "request_limit"
    """Our own limit of requests to WeChat is reached."""
    MINUTE_LIMIT = "minute_limit"
    """WeChat's limit of calls per minute is reached."""
    QUOTA = "quota"
    """WeChat's limit of calls per day is reached."""
    FORCE_LIMIT = "force_limit"
    """WeChat rejects the token of its normal mode, and its limit of forced refreshes is reached."""
    NO_TICKET = "no_ticket"
    """A third-party platform's component_verify_ticket is missing or expired; WeChat pushes the next one."""
    WRONG_ACCOUNT = "wrong_account"
    """WeChat does not know the appid or the corpid."""
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - the name of a state
    SECRET_FROZEN = "secret_frozen"  # noqa: S105 - the name of a state
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    """Our IP address is not on the account's allow-list, or an administrator has yet to confirm it."""
    REAUTHORIZE = "reauthorize"
    """The account has withdrawn its authorisation of the platform; its owner must authorise it again."""
    REFUSED = "refused"
    """WeChat refuses for another reason; the text has its code."""


STATES: Final[Mapping[int, State]] = {
    40013: State.WRONG_ACCOUNT,
    61011: State.WRONG_ACCOUNT,
    # From the calls that fetch tokens, 40001 is about the secret.
    40001: State.WRONG_SECRET,
    40125: State.WRONG_SECRET,
    40243: State.SECRET_FROZEN,
    **dict.fromkeys((40164, 45035, 60020, 61004, 89501, 89503, 89504, 89505, 89506, 89507), State.ADDRESS_NOT_ALLOWED),
    **dict.fromkeys((61005, 61006, 61058), State.NO_TICKET),
    45011: State.MINUTE_LIMIT,
    45009: State.QUOTA,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """The state after a failed fetch; it applies to all instances."""

    text: str
    wait: float
    """Seconds from now until the next fetch."""
    lasting: bool
    """Whether an operator must act: waiting alone does not help."""
    errcode: int | None = None
    state: State = State.UNAVAILABLE

    def error(self) -> TokenUnavailable:
        """Return the error for callers that have no valid value."""
        wait = max(self.wait, 0.1)
        if self.lasting:
            return TokenRefused(self.text, errcode=self.errcode, retry_after=wait, state=self.state)
        return TokenUnavailable(self.text, retry_after=wait)


def failure_of(
    error: WeChatError | WeChatUnavailable | GrantMissing | LimitReached,
    before: int,
    *,
    now: float | None = None,
    first_wait: float = FIRST_WAIT,
) -> Failure:
    """Return the state after `error` and `before` failures in a row, at a time in seconds since the epoch.

    Every error code of a fetch is lasting, except those for which WeChat says to wait.
    """
    jitter = random.uniform(0.8, 1.2)
    backoff = min(first_wait * 2.0 ** min(before, 10), LAST_WAIT) * jitter
    if not isinstance(error, WeChatError):
        return _without_errcode(error, backoff, jitter)
    code, state = error.code, STATES.get(error.errcode, State.REFUSED)
    match code.policy:
        case Policy.BACKOFF:
            return Failure(str(error), backoff, lasting=False, errcode=error.errcode)
        case Policy.WAIT:
            # A limit per minute passes by itself. A limit per day, whose end WeChat does not state, needs an operator.
            until_midnight = until_next_day(time.time() if now is None else now)
            wait = (code.wait or min(QUOTA_WAIT, until_midnight)) * random.uniform(1.0, 1.2)
            return Failure(str(error), wait, lasting=code.wait is None, errcode=error.errcode, state=state)
        case Policy.REAUTH:
            wait, state = REFUSED_WAIT * jitter, State.REAUTHORIZE
        case _:
            wait = (code.wait or REFUSED_WAIT) * jitter
    return Failure(str(error), wait, lasting=True, errcode=error.errcode, state=state)


def _without_errcode(error: WeChatUnavailable | GrantMissing | LimitReached, backoff: float, jitter: float) -> Failure:
    match error:
        case LimitReached():
            return Failure(str(error), error.wait, lasting=error.lasting, state=State.REQUEST_LIMIT)
        case GrantMissing():
            return Failure(str(error), TICKET_WAIT * jitter, lasting=False, state=State.NO_TICKET)
        case _:
            return Failure(str(error), backoff, lasting=False)
