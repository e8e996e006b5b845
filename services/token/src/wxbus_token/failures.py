"""What a failed fetch means: how long nobody asks again, and whether somebody must act (protocol reference 12)."""

import random
from dataclasses import dataclass
from typing import Final

from wxbus.errors import TokenRefused, TokenUnavailable, WeChatError, WeChatUnavailable
from wxbus.wechat.errcodes import Policy

FIRST_WAIT: Final = 1.0
LAST_WAIT: Final = 60.0
REFUSED_WAIT: Final = 300.0
"""Seconds between questions that WeChat is going to refuse: it is asked again only to see whether somebody acted."""
QUOTA_WAIT: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Failure:
    """The state after a failed fetch; all instances keep to it."""

    text: str
    wait: float
    """Seconds from now until the next fetch."""
    lasting: bool
    """Waiting alone does not help."""
    errcode: int | None = None

    def error(self) -> TokenUnavailable:
        """Return what callers are told who cannot be served."""
        wait = max(self.wait, 0.1)
        if self.lasting:
            return TokenRefused(self.text, errcode=self.errcode, retry_after=wait)
        return TokenUnavailable(self.text, retry_after=wait)


def failure_of(error: WeChatError | WeChatUnavailable, before: int) -> Failure:
    """Return what `error` means after `before` failures in a row.

    Every errcode of a fetch but those that WeChat says to wait for is lasting: 40001 too, which here means a wrong
    secret.
    """
    jitter = random.uniform(0.8, 1.2)
    backoff = min(FIRST_WAIT * 2.0 ** min(before, 10), LAST_WAIT) * jitter
    if isinstance(error, WeChatUnavailable):
        return Failure(str(error), backoff, lasting=False)
    code = error.code
    match code.policy:
        case Policy.BACKOFF:
            return Failure(str(error), backoff, lasting=False, errcode=error.errcode)
        case Policy.WAIT:
            # A limit per minute passes by itself; a daily one, whose end is not stated, is somebody's business.
            wait = (code.wait or QUOTA_WAIT) * random.uniform(1.0, 1.2)
            return Failure(str(error), wait, lasting=code.wait is None, errcode=error.errcode)
        case _:
            return Failure(str(error), (code.wait or REFUSED_WAIT) * jitter, lasting=True, errcode=error.errcode)
