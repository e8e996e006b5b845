"""Detects that Redis refuses writes, or that it lost its data.

A key holds a random id. Another id, or a missing key, means that the data were lost.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter

from wxbus.store.store import Script, Store

GENERATION: Final = Script.of("wxbus.store", "generation.lua")
NOTED: Final = timedelta(days=7)
"""How long a data loss is reported as recent."""
REDIS: Final = "Redis"
RABBITMQ: Final = "RabbitMQ"
LOST: Final[Mapping[str, str]] = {
    REDIS: "contexts, ids of handled messages, replies to send and registered accounts and keys",
    RABBITMQ: "messages, retries and dead letters",
}
"""Contents of each part's data."""

log = structlog.stdlib.get_logger("wxbus.store")


class Losses:
    """Reports data losses in the log, as a metric, and in Redis, where all services of a namespace read them."""

    def __init__(self, store: Store, *, namespace: str, registry: CollectorRegistry) -> None:
        self._store = store
        self._namespace = namespace
        self._counter = Counter(
            "wxbus_data_losses", "Data losses of a part that this process detected", ["part"], registry=registry
        )
        for part in LOST:
            self._counter.labels(part)

    async def report(self, part: str) -> None:
        """Log, count and record a data loss.

        Raises:
            StoreUnavailable: It is logged and counted, but may not be recorded in Redis.
        """
        log.error("data.lost", part=part, lost=LOST[part])
        self._counter.labels(part).inc()
        await self._store.command("SET", self._key(part), int(time.time()), "PX", _ms(NOTED))

    async def recent(self) -> Sequence[str]:
        """Return a sentence for each part that lost its data recently."""
        found: list[str] = []
        for part, lost in LOST.items():
            moment: bytes | None = await self._store.command("GET", self._key(part))
            if moment is not None:
                at = datetime.fromtimestamp(int(moment), UTC)
                found.append(f"{part} lost its data (detected {at:%Y-%m-%d %H:%M} UTC): {lost}.")
        return found

    def _key(self, part: str) -> str:
        return f"{self._namespace}:lost:{part.lower()}"


class Generation:
    """Checks the id of the data in Redis."""

    def __init__(self, store: Store, *, namespace: str, losses: Losses | None = None) -> None:
        """A changed id is reported to `losses`; without `losses` the id is not compared."""
        self._store = store
        self._key = f"{namespace}:generation"
        self._losses = losses
        self._known: bytes | None = None

    async def check(self) -> None:
        """Return if Redis accepts writes.

        Raises:
            StoreUnavailable: Redis does not answer, or refuses writes; the text is its reason.
        """
        current: bytes = await self._store.run(GENERATION, keys=[self._key], args=[secrets.token_hex(8)])
        before, self._known = self._known, current
        if self._losses is not None and before is not None and current != before:
            await self._losses.report(REDIS)


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)
