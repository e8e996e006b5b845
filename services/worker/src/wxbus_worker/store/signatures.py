"""Signatures of plain messages: they do not cover the body, so each is valid only for the first message it came with.

Each ingress process refuses a reused signature by itself; this guard knows the signatures of all of them.
"""

from datetime import timedelta
from typing import Final

from wxbus_worker.store.scripts import Scripts, load, to_ms

REMEMBER: Final = timedelta(hours=1)
"""Longer than ingress accepts a signature: its timestamp may be ten minutes before or after ingress's clock."""


class SignatureGuard:
    """Remembers signatures in Redis."""

    def __init__(self, scripts: Scripts, *, namespace: str) -> None:
        self._scripts = scripts
        self._namespace = namespace
        self._bind = load("bind_signature")

    async def is_of(self, signature: str, dedup_key: str) -> bool:
        """Return whether a signature belongs to a message: it came with this message first."""
        first: bytes = await self._scripts.run(
            self._bind,
            keys=[f"{self._namespace}:signature:{signature}"],
            args=[dedup_key, to_ms(REMEMBER.total_seconds())],
        )
        return first.decode() == dedup_key
