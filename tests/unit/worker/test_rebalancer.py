"""When a worker checks the members."""

import asyncio
from collections.abc import Mapping
from typing import cast

from tests.support.clock import Clock
from wxbus.aio.background import background
from wxbus.bus.ports import PartitionSubscription
from wxbus_worker.partitions.membership import Membership, MembershipView
from wxbus_worker.partitions.rebalancer import Rebalancer


class FakeMembership:
    """One of two members. The other's lease expires soon, and has expired at the second renewal."""

    member = "one"

    def __init__(self) -> None:
        self.seen_lapsed = asyncio.Event()
        self._renewals = 0

    async def renew(self) -> MembershipView:
        """Return the members."""
        self._renewals += 1
        if self._renewals == 1:
            return MembershipView(frozenset({"one", "two"}), next_expiry=0.01)
        self.seen_lapsed.set()
        return MembershipView(frozenset({"one"}), lapsed=frozenset({"two"}))


class FakePartitions:
    """Accepts all calls."""

    def __init__(self) -> None:
        self.subscribed, self.admitted = asyncio.Event(), asyncio.Event()
        self.subscribed.set()
        self.subscriptions: Mapping[int, PartitionSubscription] = {}

    async def subscribe(self, partition: int, *, standby: bool = False) -> None:
        """Do nothing."""

    async def unsubscribe(self, partition: int) -> None:
        """Do nothing."""

    def disconnect(self, reason: str) -> None:
        """Do nothing."""


async def test_an_expired_lease_is_noticed_at_once() -> None:
    """The next renewal comes when the next lease expires: a frozen worker's users wait for it."""
    membership = FakeMembership()
    worker = Rebalancer(FakePartitions(), cast("Membership", membership), partitions=4, interval=3600.0)
    async with background(worker.run()):
        await membership.seen_lapsed.wait()


async def test_a_connection_that_rabbitmq_does_not_list_yet_is_closed_later() -> None:
    """The connections of a lapsed member are closed as soon as the management API lists them."""
    found = iter([0, 0, 2])
    closed = asyncio.Event()

    async def close_connections(member: str) -> int:
        assert member == "two"
        number = next(found)
        if number:
            closed.set()
        return number

    membership = cast("Membership", FakeMembership())
    worker = Rebalancer(
        FakePartitions(),
        membership,
        partitions=4,
        interval=0.01,
        close_connections=close_connections,
        clock=Clock(),  # the connections may be listed late
    )
    async with background(worker.run()):
        await closed.wait()
