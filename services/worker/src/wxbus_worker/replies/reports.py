"""Reports replies that WeChat did not take to the lanes of their users."""

import time
from typing import Final

from wxbus.accounts.models import Account
from wxbus.bus.envelope import Envelope, EnvelopeKind, new_id
from wxbus.bus.ports import Inbox
from wxbus.errors import WeChatError
from wxbus.telemetry import current_traceparent, new_traceparent
from wxbus.wechat.replies.reply import AnyReply
from wxbus_worker.handlers.undelivered import ReplyUndelivered
from wxbus_worker.store.ports import ContextKey, Entry

PUBLISH_BUDGET: Final = 5.0
"""Seconds for one confirm."""


class UndeliveredReports:
    """Publishes notes. The handling of a note corrects the context and calls `on_undelivered` handlers."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def publish(
        self,
        key: ContextKey,
        account: Account,
        entry: Entry,
        error: WeChatError | ValueError,
        *,
        instead: AnyReply | None = None,
    ) -> None:
        """Report a reply, or that its fallback was delivered `instead`; repeated, it is a duplicate in the lane.

        Raises:
            BrokerUnavailable: No confirm; the reply must stay in the outbox.
        """
        now = time.time()
        note = ReplyUndelivered(
            created_at=int(now), reply=entry.reply, error=error, instead=instead, of_hook=entry.of_hook
        )
        await self._inbox.publish(
            Envelope(
                id=new_id(),
                kind=EnvelopeKind.REPLY_UNDELIVERED,
                account=account.name,
                appid=key.appid,
                openid=key.openid,
                lane=key.lane,
                dedup_id=f"{key.lane}:{entry.dedup_key}:{entry.number}:undelivered",
                body=note.to_body(),
                received_at=now,
                traceparent=current_traceparent() or new_traceparent(),
            ),
            budget=PUBLISH_BUDGET,
        )
