"""When a worker looks at who is there."""

import asyncio
from collections.abc import Mapping
from typing import cast

import pytest

from wxbus.aio.waiting import background
from wxbus.bus.ports import PartitionSubscription
from wxbus_worker.partitions import rebalancer as ownership
from wxbus_worker.partitions.membership import Membership, MembershipView
from wxbus_worker.partitions.rebalancer import Rebalancer


class FakeMembership:
    """One of two members; the other's lease ends soon, and then has ended."""

    member = "one"

    def __init__(self) -> None:
        self.seen_lapsed = asyncio.Event()
        self._looks = 0

    async def renew(self) -> MembershipView:
        """Return who is there."""
        self._looks += 1
        if self._looks == 1:
            return MembershipView(frozenset({"one", "two"}), next_end=0.01)
        self.seen_lapsed.set()
        return MembershipView(frozenset({"one"}), lapsed=frozenset({"two"}))


class FakePartitions:
    """Takes whatever it is told to."""

    def __init__(self) -> None:
        self.subscribed, self.admitted = asyncio.Event(), asyncio.Event()
        self.subscribed.set()
        self.subscriptions: Mapping[int, PartitionSubscription] = {}

    async def subscribe(self, partition: int, *, standby: bool = False) -> None:
        """Take it."""

    async def unsubscribe(self, partition: int) -> None:
        """Give it up."""

    def disconnect(self, reason: str) -> None:
        """End everything."""


async def test_the_end_of_a_lease_is_seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at the next renewal: a frozen worker's users wait for somebody to see it."""
    monkeypatch.setattr(ownership, "TICK", 3600.0)
    membership = FakeMembership()
    worker = Rebalancer(FakePartitions(), cast("Membership", membership), partitions=4)
    async with background(worker.run()):
        await membership.seen_lapsed.wait()
