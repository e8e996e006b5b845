"""When each API key was used last."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from wxbus.store.store import Store


class KeyUsage:
    """Collects uses in memory and writes them to Redis; every method with I/O raises StoreUnavailable."""

    def __init__(self, store: Store, *, namespace: str, now: Callable[[], float]) -> None:
        """`now` returns seconds since the epoch on the clock that all instances share."""
        self._store = store
        self._key = f"{namespace}:token:{{keys}}:used"
        self._now = now
        self._used: set[str] = set()

    def record(self, key: str) -> None:
        """Record that a key is used now."""
        self._used.add(key)

    async def write(self) -> None:
        """Write to Redis which keys were used since the last call."""
        if self._used:
            used = frozenset(self._used)
            await self._store.command("HSET", self._key, *(part for key in used for part in (key, int(self._now()))))
            self._used -= used  # only now: while Redis is unavailable they wait for a later call

    async def read(self) -> dict[str, datetime]:
        """Return when each key was used last."""
        found: dict[bytes, bytes] = await self._store.command("HGETALL", self._key)
        return {key.decode(): datetime.fromtimestamp(int(moment), UTC) for key, moment in found.items()}

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete the uses of revoked keys."""
        await self._store.command("HDEL", self._key, *keys)
