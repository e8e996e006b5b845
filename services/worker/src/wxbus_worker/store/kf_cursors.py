"""How far each customer-service account has been read (WeCom reference 7.1)."""

from wxbus_worker.store.scripts import Scripts, load


class KfCursors:
    """Stores one cursor for each customer-service account, without an expiry.

    Without a cursor WeCom begins three days ago.
    """

    def __init__(self, scripts: Scripts, *, namespace: str) -> None:
        self._scripts = scripts
        self._namespace = namespace
        self._read = load("read_cursor")
        self._advance = load("advance_cursor")

    async def get(self, appid: str, open_kfid: str) -> str:
        """Return the cursor, "" before the first page."""
        found: bytes | None = await self._scripts.run(self._read, keys=[self._key(appid, open_kfid)])
        return (found or b"").decode()

    async def advance(self, appid: str, open_kfid: str, cursor: str, next_cursor: str) -> bool:
        """Move the cursor; return False if another worker has moved it since `cursor` was read."""
        key = self._key(appid, open_kfid)
        return bool(await self._scripts.run(self._advance, keys=[key], args=[cursor, next_cursor]))

    def _key(self, appid: str, open_kfid: str) -> str:
        return f"{self._namespace}:kf_cursor:{appid}:{open_kfid}"
