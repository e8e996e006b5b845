"""When a worker looks at who is there."""

import asyncio
from collections.abc import Mapping
from typing import cast

import pytest

from wxbus.bus.ports import Holding
from wxbus.waiting import beside
from wxbus_worker import ownership
from wxbus_worker.membership import Membership, Roll
from wxbus_worker.ownership import Ownership


class FakeMembership:
    """One of two members; the other's lease ends soon, and then has ended."""

    member = "one"

    def __init__(self) -> None:
        self.seen_lapsed = asyncio.Event()
        self._looks = 0

    async def renew(self) -> Roll:
        """Return who is there."""
        self._looks += 1
        if self._looks == 1:
            return Roll(frozenset({"one", "two"}), next_end=0.01)
        self.seen_lapsed.set()
        return Roll(frozenset({"one"}), lapsed=frozenset({"two"}))


class FakePartitions:
    """Takes whatever it is told to."""

    def __init__(self) -> None:
        self.subscribed, self.admitted = asyncio.Event(), asyncio.Event()
        self.subscribed.set()
        self.held: Mapping[int, Holding] = {}

    async def take(self, partition: int, *, standby: bool = False) -> None:
        """Take it."""

    async def give_up(self, partition: int) -> None:
        """Give it up."""

    def disconnect(self, reason: str) -> None:
        """End everything."""


async def test_the_end_of_a_lease_is_seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at the next renewal: a frozen worker's users wait for somebody to see it."""
    monkeypatch.setattr(ownership, "TICK", 3600.0)
    membership = FakeMembership()
    worker = Ownership(FakePartitions(), cast("Membership", membership), partitions=4)
    async with beside(worker.run()):
        await membership.seen_lapsed.wait()
