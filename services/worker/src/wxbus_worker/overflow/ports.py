"""The port of the overflow; `tests/contract/worker/test_overflow.py` tests each implementation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from wxbus.bus.ports import Delivery
from wxbus.errors import BrokerUnavailable


class TenureEnded(BrokerUnavailable):
    """Another worker has begun to consume the partition, where RabbitMQ delivers its messages now."""

    def __init__(self, partition: int) -> None:
        super().__init__(f"another worker consumes partition {partition} now, or Redis has lost its data")


@dataclass(frozen=True, slots=True)
class Tenure:
    """One worker's time as the consumer of a partition, from its first delivery on."""

    partition: int
    epoch: int
    """Grows with each tenure; scripts of earlier tenures are refused."""
    lanes: Mapping[str, str]
    """The lanes that had an overflow when the tenure began, with the ids of their wake-up notes."""


class Overflow(Protocol):
    """Messages of lanes beyond their share of the prefetched messages. Calls wait while the store is unavailable.

    All messages of a lane with an overflow are there: new messages are appended, and handling continues at the start.

    Raises:
        TenureEnded: Another worker has taken over the partition.
    """

    async def take_over(self, partition: int) -> Tenure:
        """Begin a tenure, and end those before it."""
        ...

    async def append(self, tenure: Tenure, lane: str, note_id: str, deliveries: Sequence[Delivery]) -> tuple[int, int]:
        """Append deliveries, except those that are or were there, up to the limit of bytes of the partition.

        Returns the number of messages, and how many of the deliveries are taken, counted from the first.
        """
        ...

    async def read(self, tenure: Tenure, lane: str, *, limit: int) -> tuple[int, Sequence[Delivery]]:
        """Return the number of messages and the oldest ones. Each is removed by its `ack`, the oldest first.

        With 0 messages the overflow of the lane has ended.
        """
        ...

    async def remove(self, tenure: Tenure, lane: str, key: str) -> None:
        """Remove the oldest message, if it has this key."""
        ...
