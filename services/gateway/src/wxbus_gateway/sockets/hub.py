"""All sockets of one gateway: presence, new pushes, and what happens when a gateway dies or stops."""

import asyncio
import random
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeAlias

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge

from wxbus.aio.background import background, repeat
from wxbus.errors import Unavailable
from wxbus.sockets.keys import SocketKeys
from wxbus.sockets.presence import LEASE, Connection, RedisPresence
from wxbus.sockets.pushes import Position, PushLog
from wxbus.sockets.signals import CONNECTED
from wxbus.store.store import Store
from wxbus_gateway.sockets.ends import Ends
from wxbus_gateway.sockets.intake import SocketIntake
from wxbus_gateway.sockets.pace import Pace
from wxbus_gateway.sockets.protocol import CloseCode
from wxbus_gateway.sockets.socket import Socket

RENEW: Final = LEASE / 4
"""Seconds between two renewals of the lease."""
CLEAN_UP: Final = 2.0
"""Seconds between two searches for dead gateways."""
SILENCE: Final = LEASE
"""Seconds without a message after which the subscription is lost: the gateway writes to itself with each renewal."""
AT_ONCE: Final = 100
"""Connections that are registered together."""
RECONNECT_DELAY: Final = 0.5
CLOSE_GRACE: Final = 5.0
"""Seconds for closing all sockets after their clients were asked to reconnect."""

KeepOpen: TypeAlias = Callable[[str, str, str], Awaitable[bool]]
"""Takes appid, openid and the id of a login."""

log = structlog.stdlib.get_logger("wxbus.gateway")


class SocketHub:
    """Serves the sockets of one gateway."""

    def __init__(
        self,
        store: Store,
        intake: SocketIntake,
        *,
        namespace: str,
        per_user: int,
        rate: float,
        keep_open: KeepOpen,
        check_every: float,
        registry: CollectorRegistry,
    ) -> None:
        """Create the hub.

        Args:
            store: Redis.
            intake: Publishes messages and presence of sockets.
            namespace: Of the keys in Redis.
            per_user: Sockets of one user on this gateway.
            rate: Messages per second of one user on this gateway.
            keep_open: Keeps the session of a login alive; False if it has ended.
            check_every: Seconds between two checks of all sockets' sessions.
            registry: For the metrics.
        """
        self._store = store
        self._intake = intake
        self._per_user = per_user
        self._keys = SocketKeys(namespace)
        self._presence = RedisPresence(store, namespace=namespace)
        self._pushes = PushLog(store, namespace=namespace)
        self._pace = Pace(rate, registry=registry)
        self._name = secrets.token_hex(8)
        self._channel = self._keys.channel(self._name)
        self._subscribed = asyncio.Event()
        """Set when the subscription begins again."""
        self._joined = False
        self._stopping = False
        self._drained = False
        """No connection is left that another gateway would have to end."""
        self._keep_open = keep_open
        self._check_every = check_every
        self._sockets: defaultdict[tuple[str, str], list[Socket]] = defaultdict(list)
        self._tasks: set[asyncio.Task[Any]] = set()
        """Of open sockets."""
        self._ends = Ends(intake, self._presence, is_here=lambda one: (one.appid, one.openid) in self._sockets)
        Gauge("wxbus_gateway_sockets", "Open sockets", registry=registry).set_function(
            lambda: sum(map(len, self._sockets.values()))
        )
        self._closes = Counter("wxbus_gateway_socket_closes_total", "Closed sockets", ["code"], registry=registry)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen for pushes, and clean up after dead gateways, while the block runs."""
        try:
            async with (
                background(repeat(self._receive, name="pushes", pause=lambda: RECONNECT_DELAY)),
                background(
                    repeat(self._register_all, name="registration of connections", pause=lambda: RECONNECT_DELAY)
                ),
                background(repeat(self._renew, name="gateway lease", pause=lambda: RENEW)),
                background(repeat(self._clean_up, name="dead gateways", pause=lambda: CLEAN_UP)),
                background(repeat(self._check_logins, name="sessions of sockets", pause=lambda: self._check_every)),
                background(self._ends.run()),
            ):
                yield
        finally:
            if self._drained:  # not before: the lease would be taken again
                with suppress(Unavailable):
                    await self._presence.forget(self._name)

    async def check(self) -> None:
        """Return while new sockets are served; raises Unavailable once the gateway stops."""
        if self._stopping:
            raise Unavailable("the gateway is stopping")

    async def serve(self, ws: web.WebSocketResponse, connection: Connection, login: str, last: Position | None) -> None:
        """Serve a socket that was opened, until it ends.

        `login` is that of the session, `last` the position of the last push that the client has; without it the client
        gets the pushes from now on.
        """
        if (task := asyncio.current_task()) is not None:
            self._track(task)
        socket = Socket(ws, connection, login, self._intake, self._pushes, self._pace)
        of_user = self._sockets[connection.appid, connection.openid]
        of_user.append(socket)
        for oldest in of_user[: -self._per_user]:  # several: sockets that were closed before may not have ended yet
            oldest.close(CloseCode.TOO_MANY)
        name = self._name
        try:
            # Before anything of this connection can be answered: the answers are behind this position.
            position = last or await self._pushes.end_of(connection.appid, connection.openid)
            await self._presence.add(name, connection)
            await self._intake.presence(connection, CONNECTED)
            await socket.run(position)
        except Unavailable as exc:
            log.warning("gateway.socket_refused", reason=str(exc))
            await ws.close(code=CloseCode.TRY_LATER)
        finally:
            of_user.remove(socket)
            if not of_user:
                self._sockets.pop((connection.appid, connection.openid), None)
            self._closes.labels(str(ws.close_code)).inc()
            self._ends.add(name, connection)

    def end_login(self, login: str) -> None:
        """Close the sockets of a login whose session has ended."""
        for socket in self._all():
            if socket.login == login:
                socket.close(CloseCode.SESSION_ENDED)

    async def drain(self, seconds: float) -> None:
        """Ask all clients to connect again, spread over these seconds; return when all sockets are closed."""
        self._stopping = True
        sockets = self._all()
        if sockets:
            log.info("gateway.draining", sockets=len(sockets), seconds=seconds)
        await asyncio.gather(*(socket.ask_to_reconnect(random.uniform(0, seconds)) for socket in sockets))
        try:
            async with asyncio.timeout(CLOSE_GRACE):
                while self._tasks:
                    await asyncio.wait(self._tasks)
                await self._ends.until_posted()
            self._drained = True
        except TimeoutError:
            # Another gateway posts the ends after this one's lease.
            log.warning("gateway.ends_not_posted", sockets=len(self._tasks), ends_posted=not self._ends)

    async def _check_logins(self) -> None:
        """Keep the sessions of open sockets alive; close the sockets of sessions whose end was not announced."""
        for socket in self._all():
            user = socket.connection
            if not await self._keep_open(user.appid, user.openid, socket.login):
                socket.close(CloseCode.SESSION_ENDED)

    async def _receive(self) -> None:
        """Wake the sockets of users with new pushes; at the start of the subscription all sockets read their pushes."""
        async for message in self._store.messages(self._channel, silence=SILENCE, on_subscribed=self._subscribed.set):
            appid, _, openid = message.decode().partition(":")
            for socket in self._sockets.get((appid, openid), ()):
                socket.wake()

    async def _register_all(self) -> None:
        """Register all connections again after an outage, and let their sockets read new pushes.

        Redis may have lost its last second: without the registration of a connection its pushes would not wake the
        socket.
        """
        await self._subscribed.wait()
        self._subscribed.clear()
        sockets = self._all()
        for socket in sockets:
            socket.wake()
        try:
            for start in range(0, len(sockets), AT_ONCE):
                async with asyncio.TaskGroup() as registrations:
                    for socket in sockets[start : start + AT_ONCE]:
                        registrations.create_task(self._register(socket))
        except BaseException:
            self._subscribed.set()
            raise
        for socket in sockets:
            socket.wake()

    async def _register(self, socket: Socket) -> None:
        connection = socket.connection
        await self._presence.add(self._name, connection)
        if socket not in self._sockets.get((connection.appid, connection.openid), ()):  # it has ended meanwhile
            self._ends.add(self._name, connection)

    async def _renew(self) -> None:
        kept = await self._presence.renew(self._name)
        await self._store.command("PUBLISH", self._channel, "")  # see SILENCE
        joined, self._joined = self._joined, True
        if joined and not kept and self._sockets:
            # This gateway was suspended: another one has ended its connections, so they end here, too.
            log.warning("gateway.lease_lost", sockets=len(self._all()))
            for socket in self._all():
                socket.close(CloseCode.RESTARTING)

    async def _clean_up(self) -> None:
        for gateway in await self._presence.dead():
            if gateway == self._name:
                continue
            connections = await self._presence.claim(gateway, self._name)
            if connections is None:  # another gateway posts them
                continue
            await self._ends.post_dead(gateway, list(connections.values()))
            await self._presence.forget(gateway)
            log.warning("gateway.dead_gateway", gateway=gateway, connections=len(connections))

    def _track(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _all(self) -> list[Socket]:
        return [socket for sockets in self._sockets.values() for socket in sockets]
