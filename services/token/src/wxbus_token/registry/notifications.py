"""Changes that other instances announce. They only save time: every reader also polls.

Scripts announce by `pcall`, so they work for a Redis user that may not publish (Redis 7 allows new users no channel).
"""

import asyncio
from contextlib import suppress
from typing import Final, NoReturn

from wxbus.aio.background import repeat
from wxbus.store.store import Store

RECONNECT_DELAY: Final = 1.0
"""Seconds before the channel is subscribed again after the connection was lost."""


class Subscription:
    """Collects the names of changed records and registries."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._changed = asyncio.Event()

    def add(self, name: str) -> None:
        """Add the name of a changed record or registry."""
        self._names.add(name)
        self._changed.set()

    async def names(self, seconds: float) -> frozenset[str]:
        """Return the names added since the last call, as soon as there are any; none after `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()
        names, self._names = frozenset(self._names), set()
        return names


class Notifications:
    """Receives the changes that the scripts announce."""

    def __init__(self, store: Store, *, namespace: str) -> None:
        self._store = store
        self.channel = channel_of(namespace)
        self._subscriptions: list[Subscription] = []

    def subscribe(self) -> Subscription:
        """Return a subscription to all changes announced from now on."""
        subscription = Subscription()
        self._subscriptions.append(subscription)
        return subscription

    async def run(self) -> NoReturn:
        """Receive until cancelled; nothing is received while Redis is unavailable."""
        await repeat(self._receive, name="notifications", pause=lambda: RECONNECT_DELAY)

    async def _receive(self) -> None:
        async for message in self._store.messages(self.channel):
            for subscription in self._subscriptions:
                subscription.add(message.decode(errors="replace"))


def channel_of(namespace: str) -> str:
    """Return the channel on which changes are announced."""
    return f"{namespace}:token:changed"
