"""Puts messages of other programs into their users' lanes, now or at their time."""

import time
from collections.abc import Callable
from typing import Final

from wxbus.bus.ports import Inbox
from wxbus.messages.requests import Accepted, Cancelled, CancelRequest, Message
from wxbus_worker.intake.accounts import AccountFinder
from wxbus_worker.store.schedule import Schedule

PUBLISH_BUDGET: Final = 5.0
"""Seconds for one confirm."""


class Intake:
    """Accepts requests (implements `wxbus.messages.bus.Submit`)."""

    def __init__(
        self,
        accounts: AccountFinder,
        inbox: Inbox,
        schedule: Schedule,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` returns seconds since the epoch."""
        self._accounts = accounts
        self._inbox = inbox
        self._schedule = schedule
        self._clock = clock

    async def accept(self, request: Message) -> Accepted:
        """Return when the message is on disk: in RabbitMQ, or in Redis until its time.

        Raises:
            UnknownAccount: There is no such account.
            BrokerUnavailable: No confirm; the message may have arrived.
        """
        account = self._accounts(request.account)
        envelope = request.envelope(account=account.name, appid=account.appid)
        due = None if request.send_at is None else request.send_at.timestamp()
        if due is not None and due > self._clock():
            await self._schedule.add(envelope, request.id, due=due)
            return Accepted(id=request.id, scheduled=True)
        await self._inbox.publish(envelope, budget=PUBLISH_BUDGET)
        return Accepted(id=request.id)

    async def cancel(self, request: CancelRequest) -> Cancelled:
        """Cancel a scheduled message; raises UnknownAccount."""
        lane = f"{self._accounts(request.account).appid}:{request.openid}"
        return Cancelled(cancelled=await self._schedule.cancel(lane, request.id))
