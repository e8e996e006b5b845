"""What a failed fetch means: how long nobody asks again, and whether somebody must act (protocol reference 12)."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wxbus.errcodes import Policy
from wxbus.errors import TokenRefused, TokenUnavailable, WeChatError, WeChatUnavailable
from wxbus_token.credentials.quota import Guarded, until_next_day
from wxbus_token.kinds import Missing

FIRST_WAIT: Final = 1.0
LAST_WAIT: Final = 60.0
REFUSED_WAIT: Final = 300.0
"""Seconds between questions that WeChat is going to refuse: it is asked again only to see whether somebody acted."""
QUOTA_WAIT: Final = 3600.0
TICKET_WAIT: Final = 600.0
"""WeChat pushes a component_verify_ticket every ten minutes; one that comes ends the wait."""


class State(StrEnum):
    """Why there is no fresh value: one word each for what somebody would do about it."""

    AWAY = "away"
    """WeChat does not answer, or is busy: it passes."""
    GUARD = "guard"
    """We have asked as often as our own limit allows."""
    MINUTE_LIMIT = "minute_limit"
    QUOTA = "quota"
    """The day's calls are used up."""
    FORCE_LIMIT = "force_limit"
    """WeChat refuses the token that its normal mode gives, and its limit of forced refreshes is reached."""
    NO_TICKET = "no_ticket"
    """A third-party platform's component_verify_ticket is missing or no longer good: WeChat pushes the next one."""
    WRONG_ACCOUNT = "wrong_account"
    """The appid or the corpid is none."""
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - a word about one
    SECRET_FROZEN = "secret_frozen"  # noqa: S105 - a word about one
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    """Our address is not on the account's allow-list, or an administrator has yet to confirm it."""
    REAUTHORIZE = "reauthorize"
    """The account has withdrawn its authorisation of the platform: its owner must give it again."""
    REFUSED = "refused"
    """Whatever else WeChat refuses; the text has its code."""


STATES: Final[Mapping[int, State]] = {
    40013: State.WRONG_ACCOUNT,
    61011: State.WRONG_ACCOUNT,
    # From the calls that fetch tokens 40001 is about the secret.
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
    """The state after a failed fetch; all instances keep to it."""

    text: str
    wait: float
    """Seconds from now until the next fetch."""
    lasting: bool
    """Waiting alone does not help."""
    errcode: int | None = None
    state: State = State.AWAY

    def error(self) -> TokenUnavailable:
        """Return what callers are told who cannot be served."""
        wait = max(self.wait, 0.1)
        if self.lasting:
            return TokenRefused(self.text, errcode=self.errcode, retry_after=wait, state=self.state)
        return TokenUnavailable(self.text, retry_after=wait)


def failure_of(error: WeChatError | WeChatUnavailable | Missing | Guarded, before: int) -> Failure:
    """Return what `error` means after `before` failures in a row.

    Every errcode of a fetch but those that WeChat says to wait for is lasting: 40001 too, which here means a wrong
    secret.
    """
    jitter = random.uniform(0.8, 1.2)
    backoff = min(FIRST_WAIT * 2.0 ** min(before, 10), LAST_WAIT) * jitter
    if not isinstance(error, WeChatError):
        return _not_answered(error, backoff, jitter)
    code, known = error.code, STATES.get(error.errcode, State.REFUSED)
    match code.policy:
        case Policy.BACKOFF:
            return Failure(str(error), backoff, lasting=False, errcode=error.errcode)
        case Policy.WAIT:
            # A limit per minute passes by itself; a daily one, whose end is not stated, is somebody's business.
            wait = (code.wait or min(QUOTA_WAIT, until_next_day(time.time()))) * random.uniform(1.0, 1.2)
            return Failure(str(error), wait, lasting=code.wait is None, errcode=error.errcode, state=known)
        case Policy.REAUTH:
            state = State.REAUTHORIZE
            return Failure(str(error), REFUSED_WAIT * jitter, lasting=True, errcode=error.errcode, state=state)
        case _:
            wait = (code.wait or REFUSED_WAIT) * jitter
            return Failure(str(error), wait, lasting=True, errcode=error.errcode, state=known)


def _not_answered(error: WeChatUnavailable | Missing | Guarded, backoff: float, jitter: float) -> Failure:
    match error:
        case Guarded():
            return Failure(str(error), error.wait, lasting=error.lasting, state=State.GUARD)
        case Missing():
            return Failure(str(error), TICKET_WAIT * jitter, lasting=False, state=State.NO_TICKET)
        case _:
            return Failure(str(error), backoff, lasting=False)
