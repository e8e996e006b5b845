"""Who is connected where. A gateway has one lease for all its connections; another one ends those of a dead gateway."""

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
"""Seconds for which one gateway cleans up after a dead one before another may."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One WebSocket of a user."""

    id: str
    account: str
    appid: str
    openid: str


class Presence(ABC):
    """Who is connected now: handlers and methods of services take it by type."""

    @abstractmethod
    async def is_connected(self, appid: str, openid: str) -> bool:
        """Return whether a user has a socket on a gateway that is alive; raises StoreUnavailable."""


class RedisPresence(Presence):
    """The connections of all gateways. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, *, namespace: str) -> None:
        self._store = store
        self._keys = SocketKeys(namespace)

    async def renew(self, gateway: str) -> bool:
        """Extend the lease of a gateway; False if it was over: its connections were ended by another one."""
        now = await self._store.now()
        known = await self._store.command("ZSCORE", self._keys.alive, gateway)
        await self._store.command("ZADD", self._keys.alive, now + LEASE, gateway)
        return known is not None

    async def add(self, gateway: str, connection: Connection) -> None:
        """Note a connection: with the gateway first, so that none is forgotten when it dies. It may be repeated."""
        record = json.dumps(asdict(connection))
        await self._store.command("HSET", self._keys.connections(gateway), connection.id, record)
        await self._store.command("SADD", self._gateways(connection), gateway)

    async def leave(self, gateway: str, connection: Connection) -> None:
        """Note that a user has no connection on a gateway any more; `remove` follows once that is posted."""
        await self._store.command("SREM", self._gateways(connection), gateway)

    async def remove(self, gateway: str, connection: Connection) -> None:
        """Forget a connection whose end is posted."""
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
        """Return the gateways whose lease is over."""
        now = await self._store.now()
        found = await self._store.command("ZRANGEBYSCORE", self._keys.alive, "-inf", now)
        return [gateway.decode() for gateway in found]

    async def claim(self, gateway: str, by: str) -> Mapping[str, Connection] | None:
        """Return the connections of a dead gateway, by id, to the first that asks; None to others."""
        claim = f"{self._keys.connections(gateway)}:claim"
        if not await self._store.command("SET", claim, by, "NX", "EX", CLAIM):
            return None
        found = await self._store.command("HGETALL", self._keys.connections(gateway))
        pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        return {name.decode(): Connection(**json.loads(record)) for name, record in pairs}

    async def forget(self, gateway: str) -> None:
        """Forget a dead gateway after its connections were ended."""
        await self._store.command("DEL", self._keys.connections(gateway))
        await self._store.command("ZREM", self._keys.alive, gateway)

    def _gateways(self, connection: Connection) -> str:
        return self._keys.of_user(connection.appid, connection.openid, "gateways")
