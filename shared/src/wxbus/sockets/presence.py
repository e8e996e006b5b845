"""The connections of users to gateways. A gateway has one lease for all its connections; when it dies, another gateway
ends them.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from wxbus.sockets.keys import SocketKeys
from wxbus.store.store import Store

LEASE: Final = 10.0
"""Seconds after which a gateway that does not renew its lease counts as dead."""
CLAIM: Final = 30
"""Seconds that a gateway has to clean up after a dead gateway before another gateway may."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One WebSocket of a user."""

    id: str
    account: str
    appid: str
    openid: str


class Presence(ABC):
    """Shows whether users are connected; handlers and service methods get it by type."""

    @abstractmethod
    async def is_connected(self, appid: str, openid: str) -> bool:
        """Return whether a user has a socket on a gateway that is alive; raises StoreUnavailable."""


class RedisPresence(Presence):
    """The connections of all gateways. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, *, namespace: str) -> None:
        self._store = store
        self._keys = SocketKeys(namespace)

    async def renew(self, gateway: str) -> bool:
        """Extend the lease of a gateway; False if it had expired and another gateway has ended the connections."""
        now = await self._store.now()
        known = await self._store.command("ZSCORE", self._keys.alive, gateway)
        await self._store.command("ZADD", self._keys.alive, now + LEASE, gateway)
        return known is not None

    async def add(self, gateway: str, connection: Connection) -> None:
        """Record a connection, first with its gateway, so that it is found if the gateway dies. It may be repeated."""
        record = json.dumps(asdict(connection))
        await self._store.command("HSET", self._keys.connections(gateway), connection.id, record)
        await self._store.command("SADD", self._gateways(connection), gateway)

    async def leave(self, gateway: str, connection: Connection) -> None:
        """Record that a user has no connection to a gateway any more; call `remove` after the signal is posted."""
        await self._store.command("SREM", self._gateways(connection), gateway)

    async def remove(self, gateway: str, connection: Connection) -> None:
        """Delete a connection after the signal of its end is posted."""
        await self._store.command("HDEL", self._keys.connections(gateway), connection.id)

    async def is_connected(self, appid: str, openid: str) -> bool:
        """Return whether a user has a connection on a gateway that is alive (see Presence)."""
        gateways = await self._store.command("SMEMBERS", self._keys.of_user(appid, openid, "gateways"))
        if not gateways:
            return False
        now = await self._store.now()
        ends = await self._store.command("ZMSCORE", self._keys.alive, *gateways)
        return any(end is not None and float(end) > now for end in ends)

    async def dead(self) -> list[str]:
        """Return the gateways whose lease has expired."""
        now = await self._store.now()
        found = await self._store.command("ZRANGEBYSCORE", self._keys.alive, "-inf", now)
        return [gateway.decode() for gateway in found]

    async def claim(self, gateway: str, by: str) -> Mapping[str, Connection] | None:
        """Return the connections of a dead gateway, by id, to the first caller; None to others."""
        claim = f"{self._keys.connections(gateway)}:claim"
        if not await self._store.command("SET", claim, by, "NX", "EX", CLAIM):
            return None
        found = await self._store.command("HGETALL", self._keys.connections(gateway))
        pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        return {name.decode(): Connection(**json.loads(record)) for name, record in pairs}

    async def forget(self, gateway: str) -> None:
        """Delete a dead gateway after its connections were ended."""
        await self._store.command("DEL", self._keys.connections(gateway))
        await self._store.command("ZREM", self._keys.alive, gateway)

    def _gateways(self, connection: Connection) -> str:
        return self._keys.of_user(connection.appid, connection.openid, "gateways")
