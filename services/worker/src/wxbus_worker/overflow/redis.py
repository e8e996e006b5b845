"""The overflow in Redis. All keys of a partition share a hash tag, so one script checks the tenure and writes."""

from collections.abc import Sequence
from time import monotonic
from typing import Any, Final

from wxbus.bus.delivery import ReceivedDelivery
from wxbus.bus.ports import Delivery
from wxbus.bus.received import Received
from wxbus.store.batches import Argument
from wxbus.store.store import Script
from wxbus_worker.overflow.ports import Tenure, TenureEnded
from wxbus_worker.store.scripts import Scripts

PACKAGE: Final = "wxbus_worker.overflow.lua"
REMEMBERED_MS: Final = 600_000
"""How long keys of removed messages are kept. A copy of a message whose acknowledgement was lost arrives when RabbitMQ
has noticed the loss, after three heartbeats."""


MAX_BYTES: Final = 64 * 1024 * 1024
"""Of one partition by default."""


class OverflowDelivery(ReceivedDelivery):
    """A message of the overflow; implements `wxbus.bus.ports.Delivery`."""

    __slots__ = ("_key", "_overflow", "_tenure")

    def __init__(
        self, entry: bytes, lane: str, tenure: Tenure, overflow: "RedisOverflow", *, redelivered: bool
    ) -> None:
        key, _, packed = entry.partition(b"\n")
        message, age = Received.unpack(packed)
        super().__init__(message, tenure.partition, lane=lane, redelivered=redelivered, arrived=monotonic() - age)
        self._key = key.decode()
        self._tenure = tenure
        self._overflow = overflow

    async def ack(self) -> None:
        """Remove it, or raise TenureEnded."""
        await self._overflow.remove(self._tenure, self.lane, self._key)


class RedisOverflow:
    """Implements `Overflow`."""

    def __init__(self, scripts: Scripts, *, namespace: str, max_bytes: int = MAX_BYTES) -> None:
        """Keep messages under `namespace`, at most `max_bytes` of one partition."""
        self._max_bytes = max_bytes
        self._scripts = scripts
        self._namespace = namespace
        self._take_over = Script.of(PACKAGE, "take_over.lua")
        self._append = Script.of(PACKAGE, "append.lua")
        self._read = Script.of(PACKAGE, "read.lua")
        self._remove = Script.of(PACKAGE, "remove.lua")

    async def take_over(self, partition: int) -> Tenure:
        """Begin a tenure."""
        epoch, pairs = await self._scripts.run(
            self._take_over, keys=[self._key(partition, "epoch"), self._key(partition, "lanes")]
        )
        lanes = {lane.decode(): note_id.decode() for lane, note_id in zip(pairs[::2], pairs[1::2], strict=True)}
        return Tenure(partition, epoch, lanes)

    async def append(self, tenure: Tenure, lane: str, note_id: str, deliveries: Sequence[Delivery]) -> tuple[int, int]:
        """Put deliveries at the end, as far as there is room."""
        messages: list[Argument] = []
        for delivery in deliveries:
            messages += (delivery.key, delivery.pack())
        length, *taken = await self._run(self._append, tenure, lane, lane, note_id, self._max_bytes, *messages)
        if length < 0:
            raise TenureEnded(tenure.partition)
        return length, taken[0]

    async def read(self, tenure: Tenure, lane: str, *, limit: int) -> tuple[int, Sequence[Delivery]]:
        """Return the number of messages and the oldest ones."""
        length, *entries = await self._run(self._read, tenure, lane, lane, limit, REMEMBERED_MS)
        if length < 0:
            raise TenureEnded(tenure.partition)
        # Earlier consumers may have begun to handle messages of lanes that had an overflow then.
        redelivered = lane in tenure.lanes
        return length, [OverflowDelivery(one, lane, tenure, self, redelivered=redelivered) for one in entries]

    async def remove(self, tenure: Tenure, lane: str, key: str) -> None:
        """Remove the oldest message, if it has this key."""
        if await self._run(self._remove, tenure, lane, key, REMEMBERED_MS) < 0:
            raise TenureEnded(tenure.partition)

    async def _run(self, script: Script, tenure: Tenure, lane: str, *args: Argument) -> Any:
        names = ("epoch", "lanes", f"messages:{lane}", f"keys:{lane}", "bytes")
        keys = [self._key(tenure.partition, name) for name in names]
        return await self._scripts.run(script, keys=keys, args=[tenure.epoch, *args])

    def _key(self, partition: int, name: str) -> str:
        return f"{self._namespace}:{{inbox.{partition}}}:overflow:{name}"
