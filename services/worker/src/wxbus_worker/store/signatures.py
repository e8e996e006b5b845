"""Signatures of plain messages, which do not cover the body: each is good for the first message it came with.

Every process of ingress refuses another one, for itself alone. Here is known what came by all of them.
"""

from datetime import timedelta
from typing import Final

from wxbus.store.store import Script
from wxbus_worker.store.redis import Scripts

REMEMBER: Final = timedelta(hours=1)
"""Longer than ingress takes a signature: its timestamp may be ten minutes behind its clock, and ten before it."""


class SignatureGuard:
    """Remembers them in Redis."""

    def __init__(self, scripts: Scripts, *, namespace: str) -> None:
        self._scripts = scripts
        self._namespace = namespace
        self._bind = Script.of("wxbus_worker.store.lua", "bind.lua")

    async def is_of(self, signature: str, dedup_key: str) -> bool:
        """Return whether a signature belongs to a message: it came with that one first."""
        ttl = round(REMEMBER.total_seconds() * 1000)
        first: bytes = await self._scripts.run(
            self._bind, keys=[f"{self._namespace}:signature:{signature}"], args=[dedup_key, ttl]
        )
        return first.decode() == dedup_key
