"""Sends one message of a broadcast, and records the result."""

import asyncio
from typing import Final, TypedDict, Unpack

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
from wxbus.wechat.replies.windows import is_counted
from wxbus_worker.broadcast.recipient_contexts import RecipientContexts
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.replies.outbox import LATER, NOTHING_LOST, Sender
from wxbus_worker.store.broadcasts import Broadcasts, Plan

BUDGET: Final = 10.0
"""Seconds for one message; shorter than a claim."""
OUTAGE_WAIT: Final = 5.0
"""Seconds for which a broadcast waits if WeChat or the token service is unavailable."""
BUSY_WAIT: Final = 60.0
"""Seconds to wait after a temporary error for which WeChat's table has no time."""
PAUSE_AFTER: Final = 20
"""Consecutive refusals after which the broadcast pauses, if none concerns its user: the message itself is wrong."""


class GiveBack(TypedDict, total=False):
    """Arguments of `Broadcasts.give_back`."""

    wait: float
    unanswered: bool
    pause: str


class Sending:
    """Sends to the recipients of one broadcast."""

    def __init__(
        self,
        broadcasts: Broadcasts,
        plan: Plan,
        sender: Sender,
        metrics: WorkerMetrics,
        recipients: RecipientContexts,
    ) -> None:
        self._broadcasts = broadcasts
        self._recipients = recipients
        self._plan = plan
        self._sender = sender
        self._messages = metrics.broadcast

    async def __call__(self, openid: str) -> None:
        """Send to a claimed recipient, and record the result; after a temporary error the recipient waits again."""
        try:
            async with asyncio.timeout(BUDGET):
                recorded = is_counted(self._plan.message) and await self._recipients.check(self._plan, openid)
                await self._sender.send(openid, self._plan.message)
        except WeChatError as exc:
            await self._refused(openid, exc)
        except (WeChatUnreachable, TokenUnavailable):
            await self._give_back(openid, wait=OUTAGE_WAIT)
        except (WeChatUnavailable, TimeoutError):  # WeChat may have sent it; repeated, as replies are
            await self._give_back(openid, wait=OUTAGE_WAIT, unanswered=True)
        except ValueError as exc:  # the message fits no API call
            await self._give_back(openid, pause=str(exc))
        else:
            await self._record_result(openid)
            if recorded:
                await self._recipients.record(self._plan, openid)

    async def _refused(self, openid: str, error: WeChatError) -> None:
        reason = f"{error.errcode} {error.code.meaning}"
        if isinstance(error, QuotaExceeded):
            await self._give_back(openid, pause=reason)
        elif error.policy in NOTHING_LOST:
            await self._record_result(openid)
        elif error.policy is Policy.BACKOFF:
            await self._give_back(openid, wait=OUTAGE_WAIT)
        elif error.policy in LATER:
            await self._give_back(openid, wait=BUSY_WAIT if error.retry_after is None else error.retry_after)
        else:
            of_user = isinstance(error, UserRefused | OutOfWindow)
            await self._record_result(openid, reason, pause_after=0 if of_user else PAUSE_AFTER)

    async def _record_result(self, openid: str, reason: str = "", *, pause_after: int = 0) -> None:
        if await self._broadcasts.record_result(self._plan.id, openid, reason, pause_after=pause_after):
            self._messages.labels("refused" if reason else "sent").inc()

    async def _give_back(self, openid: str, **options: Unpack[GiveBack]) -> None:
        self._messages.labels("repeated").inc()
        await self._broadcasts.give_back(self._plan.id, openid, **options)
