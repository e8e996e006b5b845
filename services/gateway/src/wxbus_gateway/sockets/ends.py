"""Posts the ends of connections: one task for all of them, so that an outage of RabbitMQ does not cost one for each.

An end is posted first, then its registration is removed: if this gateway dies in between, another one posts it. Before
it is posted, the user has left the gateway: handlers of the end see whether the user is still connected elsewhere.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from wxbus.aio.background import repeat
from wxbus.sockets.presence import Connection, RedisPresence
from wxbus.sockets.signals import DISCONNECTED
from wxbus_gateway.sockets.intake import SocketIntake

RETRY: Final = 0.5
"""Seconds after an outage until the ends are posted again."""
AT_ONCE: Final = 50
"""Ends that are posted together."""


class Ends:
    """The connections that have ended, until that is posted."""

    def __init__(self, intake: SocketIntake, presence: RedisPresence, *, is_here: Callable[[Connection], bool]) -> None:
        """`is_here` returns whether the user of a connection has another connection to this gateway."""
        self._intake = intake
        self._presence = presence
        self._is_here = is_here
        self._left: dict[str, tuple[str, Connection]] = {}
        """Gateway and connection, by id of the connection."""
        self._added = asyncio.Event()
        self._posted = asyncio.Event()
        self._posted.set()

    def __bool__(self) -> bool:
        """Whether there are ends that are not posted yet."""
        return bool(self._left)

    def add(self, gateway: str, connection: Connection) -> None:
        """Let the end of a connection be posted; `gateway` is the name under which it is registered."""
        self._left[connection.id] = (gateway, connection)
        self._posted.clear()
        self._added.set()

    async def until_posted(self) -> None:
        """Return when all ends are posted."""
        await self._posted.wait()

    async def post_dead(self, gateway: str, connections: Sequence[Connection]) -> None:
        """Post the ends of the connections of a dead gateway; raises Unavailable."""
        for start in range(0, len(connections), AT_ONCE):
            async with asyncio.TaskGroup() as posts:
                for connection in connections[start : start + AT_ONCE]:
                    posts.create_task(self._post(gateway, connection, left=True))

    async def run(self) -> NoReturn:
        """Post the ends until cancelled."""
        await repeat(self._work, name="ends of connections", pause=lambda: RETRY)

    async def _work(self) -> NoReturn:
        while True:
            while self._left:
                async with asyncio.TaskGroup() as posts:
                    for gateway, connection in list(self._left.values())[:AT_ONCE]:
                        posts.create_task(self._post_own(gateway, connection))
            self._posted.set()
            self._added.clear()
            await self._added.wait()

    async def _post_own(self, gateway: str, connection: Connection) -> None:
        await self._post(gateway, connection, left=not self._is_here(connection))
        del self._left[connection.id]

    async def _post(self, gateway: str, connection: Connection, *, left: bool) -> None:
        if left:
            await self._presence.leave(gateway, connection)
        await self._intake.presence(connection, DISCONNECTED)
        await self._presence.remove(gateway, connection)
