"""Groups of users, to whom one push goes."""

from typing import Final

from wxbus.sockets.keys import SocketKeys
from wxbus.store.store import Store

PAGE: Final = 500


class Groups:
    """The groups of all accounts. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, *, namespace: str) -> None:
        self._store = store
        self._keys = SocketKeys(namespace)

    async def join(self, appid: str, group: str, openid: str) -> None:
        """Add a user to a group."""
        # The user's own list first, so that no membership is missing from it.
        await self._store.command("SADD", self._of(appid, openid), group)
        await self._store.command("SADD", self._keys.group(appid, group), openid)

    async def leave(self, appid: str, group: str, openid: str) -> None:
        """Remove a user from a group."""
        await self._store.command("SREM", self._keys.group(appid, group), openid)
        await self._store.command("SREM", self._of(appid, openid), group)

    async def leave_all(self, appid: str, openid: str) -> None:
        """Remove a user from all groups."""
        for group in await self._store.command("SMEMBERS", self._of(appid, openid)):
            await self.leave(appid, group.decode(), openid)

    async def members(self, appid: str, group: str) -> list[str]:
        """Return the openids of a group."""
        found, cursor = set(), b"0"
        while True:
            cursor, page = await self._store.command("SSCAN", self._keys.group(appid, group), cursor, "COUNT", PAGE)
            found.update(page)
            if cursor == b"0":
                return sorted(openid.decode() for openid in found)

    def _of(self, appid: str, openid: str) -> str:
        return self._keys.of_user(appid, openid, "groups")
