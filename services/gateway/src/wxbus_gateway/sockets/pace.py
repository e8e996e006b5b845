"""Slows down a user who sends more messages on sockets than the rate (decision 0043)."""

import asyncio
from typing import Final

from prometheus_client import CollectorRegistry, Counter

from wxbus.aio.buckets import Buckets

BURST: Final = 2.0
"""Seconds whose messages may come at once."""


class Pace:
    """The rate of each user's messages, counted in this process only."""

    def __init__(self, rate: float, *, registry: CollectorRegistry) -> None:
        """`rate` is messages a second."""
        self._users: Buckets[tuple[str, str]] = Buckets(rate, max(1.0, rate * BURST))
        self._slowed = Counter(
            "wxbus_gateway_slowed_messages_total", "Messages on sockets that waited for the rate", registry=registry
        )

    async def until_allowed(self, appid: str, openid: str) -> None:
        """Return when the next message of a user may be taken."""
        slowed = False
        while wait := self._users.take((appid, openid)):
            slowed = True
            await asyncio.sleep(wait)
        if slowed:
            self._slowed.inc()
