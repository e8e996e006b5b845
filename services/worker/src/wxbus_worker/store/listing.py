"""Lists the contexts in Redis."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

from wxbus_worker.context.contexts import StoredContext
from wxbus_worker.store.keys import LaneKeys
from wxbus_worker.store.ports import SHARDS
from wxbus_worker.store.scripts import Scripts, load

BATCH: Final = 500
"""About how many contexts one command lists."""


async def list_contexts(scripts: Scripts, keys: LaneKeys, appid: str = "") -> AsyncIterator[StoredContext]:
    """Yield the existing contexts, of one account or of all, in no order."""
    script = load("list_contexts")
    for shard in range(SHARDS):
        cursor = b"0"
        while True:
            cursor, *found = await scripts.run(script, keys=[keys.expiries(shard)], args=[cursor, BATCH])
            for lane, expires_ms in zip(found[::2], found[1::2], strict=True):
                owner, _, openid = lane.decode().partition(":")
                if appid in {"", owner}:
                    yield StoredContext(owner, openid, datetime.fromtimestamp(float(expires_ms) / 1000, UTC))
            if cursor == b"0":
                break
