"""What other instances say has changed: a reason to look at once. Looking every second is what is relied on.

Scripts announce by `pcall`: with a user who may not publish (Redis 7 gives new ones no channels) they do all else.
"""

import asyncio
from contextlib import suppress
from typing import Final

from wxbus.aio.background import repeat
from wxbus.store.store import Store

AGAIN: Final = 1.0
"""Seconds before listening again after the connection was lost."""


class Subscription:
    """Collects names until somebody asks for them."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._heard = asyncio.Event()

    def hear(self, name: str) -> None:
        """Keep a name."""
        self._names.add(name)
        self._heard.set()

    async def names(self, seconds: float) -> frozenset[str]:
        """Return the names heard since the last time, as soon as there are any; none after `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        self._heard.clear()
        names, self._names = frozenset(self._names), set()
        return names


class Notifications:
    """Listens to the channel on which the scripts announce what they changed."""

    def __init__(self, store: Store, *, namespace: str) -> None:
        self._store = store
        self.channel = channel_of(namespace)
        self._ears: list[Subscription] = []

    def subscribe(self) -> Subscription:
        """Return an ear that hears everything from now on."""
        subscribe = Subscription()
        self._ears.append(subscribe)
        return subscribe

    async def run(self) -> None:
        """Listen until cancelled; while Redis is away there is nothing to hear."""
        await repeat(self._listen, name="hints", pause=lambda: AGAIN)

    async def _listen(self) -> None:
        async for message in self._store.messages(self.channel):
            for subscribe in self._ears:
                subscribe.hear(message.decode(errors="replace"))


def channel_of(namespace: str) -> str:
    """Return the channel on which changes are announced."""
    return f"{namespace}:token:changed"
