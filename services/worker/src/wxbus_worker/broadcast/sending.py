"""Sends one message of a broadcast, and notes what became of it."""

import asyncio
from typing import Final

from wxbus.errcodes import Policy
from wxbus.errors import (
    OutOfWindow,
    QuotaExceeded,
    TokenUnavailable,
    UserRefused,
    WeChatError,
    WeChatUnavailable,
    WeChatUnreachable,
)
from wxbus_worker.replies.outbox import LATER, NOTHING_LOST, Sender
from wxbus_worker.store.broadcasts import Broadcasts, Plan

BUDGET: Final = 10.0
"""Seconds for one message; shorter than a claim."""
OUTAGE_WAIT: Final = 5.0
"""Seconds for which a broadcast waits if WeChat or the token service is unavailable."""
BUSY_WAIT: Final = 60.0
"""Seconds after an error that passes, if WeChat's table has no time for it."""
PAUSE_AFTER: Final = 20
"""Refusals in a row that do not concern the users: then the message is wrong, and the others would be refused, too."""


class Sending:
    """Sends to the recipients of one broadcast."""

    def __init__(self, broadcasts: Broadcasts, plan: Plan, sender: Sender) -> None:
        self._broadcasts = broadcasts
        self._plan = plan
        self._sender = sender

    async def __call__(self, openid: str) -> None:
        """Send to a claimed recipient, and note it; what may pass is tried again later."""
        broadcast = self._plan.id
        try:
            async with asyncio.timeout(BUDGET):
                await self._sender.send(openid, self._plan.message)
        except WeChatError as exc:
            await self._refused(openid, exc)
        except (WeChatUnreachable, TokenUnavailable):
            await self._broadcasts.give_back(broadcast, openid, wait=OUTAGE_WAIT)
        except (WeChatUnavailable, TimeoutError):  # WeChat may have sent it; tried again, as replies are
            await self._broadcasts.give_back(broadcast, openid, wait=OUTAGE_WAIT, unanswered=True)
        except ValueError as exc:  # no call can carry the message
            await self._broadcasts.give_back(broadcast, openid, pause=str(exc))
        else:
            await self._broadcasts.note(broadcast, openid)

    async def _refused(self, openid: str, error: WeChatError) -> None:
        broadcast, reason = self._plan.id, f"{error.errcode} {error.code.meaning}"
        if isinstance(error, QuotaExceeded):
            await self._broadcasts.give_back(broadcast, openid, pause=reason)
        elif error.policy in NOTHING_LOST:
            await self._broadcasts.note(broadcast, openid)
        elif error.policy in LATER:
            wait = BUSY_WAIT if error.retry_after is None else error.retry_after
            await self._broadcasts.give_back(
                broadcast, openid, wait=OUTAGE_WAIT if error.policy is Policy.BACKOFF else wait
            )
        else:
            of_user = isinstance(error, UserRefused | OutOfWindow)
            await self._broadcasts.note(broadcast, openid, reason, pause_after=0 if of_user else PAUSE_AFTER)
