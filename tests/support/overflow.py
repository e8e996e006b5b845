"""The overflow in memory, and workers that share it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from tests.support.lanes import Work
from wxbus.bus.envelope import Envelope
from wxbus.bus.ports import Delivery
from wxbus.testing import MemoryPublisher
from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.lanes import Lanes
from wxbus_worker.delivery.overflows import Overflows
from wxbus_worker.metrics import WorkerMetrics
from wxbus_worker.overflow.ports import Tenure, TenureEnded
from wxbus_worker.overflow.redis import MAX_BYTES
from wxbus_worker.overflow.wakeups import Wakeups


def stored(delivery: Delivery) -> bytes:
    """Return what an overflow keeps of a delivery."""
    return f"{delivery.key}\n".encode() + delivery.pack()


@dataclass
class StoredDelivery:
    """A message of the overflow."""

    original: Delivery
    overflow: "MemoryOverflow"
    tenure: Tenure
    lane: str
    redelivered: bool

    @property
    def partition(self) -> int:
        """Return its partition."""
        return self.original.partition

    @property
    def arrived(self) -> float:
        """Return the time of its first arrival."""
        return self.original.arrived

    @property
    def key(self) -> str:
        """Return its key."""
        return self.original.key

    @property
    def size(self) -> int:
        """Return the bytes of its body."""
        return self.original.size

    def envelope(self) -> Envelope:
        """Return its envelope."""
        return self.original.envelope()

    def pack(self) -> bytes:
        """Return its bytes."""
        return self.original.pack()

    async def ack(self) -> None:
        """Remove it."""
        await self.overflow.remove(self.tenure, self.lane, self.key)


@dataclass
class MemoryOverflow:
    """Implements `Overflow`; all calls take at least one iteration of the loop."""

    epochs: dict[int, int] = field(default_factory=dict)
    note_ids: dict[int, dict[str, str]] = field(default_factory=dict)
    messages: dict[str, list[Delivery]] = field(default_factory=dict)
    keys: dict[str, set[str]] = field(default_factory=dict)
    max_bytes: int = MAX_BYTES
    """Of all partitions together."""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear it to keep all calls waiting."""

    used: int = 0
    """Bytes of all messages."""

    def __post_init__(self) -> None:
        """Answer."""
        self.open.set()

    async def take_over(self, partition: int) -> Tenure:
        """Begin a tenure."""
        await self._answer()
        self.epochs[partition] = epoch = self.epochs.get(partition, 0) + 1
        return Tenure(partition, epoch, dict(self.note_ids.get(partition, {})))

    async def append(self, tenure: Tenure, lane: str, note_id: str, deliveries: Sequence[Delivery]) -> tuple[int, int]:
        """Put deliveries at the end, as far as there is room."""
        await self._answer(tenure)
        messages, keys = self.messages.setdefault(lane, []), self.keys.setdefault(lane, set())
        taken = 0
        for delivery in deliveries:
            if delivery.key not in keys:
                size = len(stored(delivery))
                if self.used and self.used + size > self.max_bytes:
                    break
                self.used += size
                keys.add(delivery.key)
                messages.append(delivery)
            taken += 1
        if messages:
            self.note_ids.setdefault(tenure.partition, {})[lane] = note_id
        return len(messages), taken

    async def read(self, tenure: Tenure, lane: str, *, limit: int) -> tuple[int, Sequence[Delivery]]:
        """Return the oldest messages."""
        await self._answer(tenure)
        messages = self.messages.get(lane, [])
        if not messages:
            self.note_ids.get(tenure.partition, {}).pop(lane, None)
        redelivered = lane in tenure.lanes
        return len(messages), [StoredDelivery(one, self, tenure, lane, redelivered) for one in messages[:limit]]

    async def remove(self, tenure: Tenure, lane: str, key: str) -> None:
        """Remove the oldest message."""
        await self._answer(tenure)
        if (messages := self.messages.get(lane)) and messages[0].key == key:
            self.used -= len(stored(messages.pop(0)))

    async def _answer(self, tenure: Tenure | None = None) -> None:
        await asyncio.sleep(0)
        await self.open.wait()
        if tenure is not None and tenure.epoch != self.epochs.get(tenure.partition):
            raise TenureEnded(tenure.partition)


class OverflowingWorker:
    """Lanes with an overflow, over work that a test holds."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        overflow: MemoryOverflow | None = None,
        handle: Callable[[Job], Awaitable[object]] | None = None,
    ) -> None:
        self.work = Work()
        """Handles messages, unless `handle` does."""
        self.overflow = MemoryOverflow() if overflow is None else overflow
        self.publisher = MemoryPublisher()
        self.registry = CollectorRegistry()
        self.disconnects: list[str] = []
        overflows = Overflows(self.overflow, Wakeups(self.publisher), WorkerMetrics(self.registry), tasks=tasks)
        overflows.disconnect = self.disconnects.append
        self.lanes = Lanes(handle or self.work, concurrency=1_000, tasks=tasks, overflows=overflows)

    async def idle(self) -> None:
        """Return once nothing runs or waits."""
        while self.lanes.running or self.lanes.waiting or self.lanes.overflowing:  # noqa: ASYNC110 - every iteration of the loop counts
            await asyncio.sleep(0)
