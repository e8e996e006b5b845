"""Several consumers on a real RabbitMQ share partitions by what Redis says of each other."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import pytest
from redis.asyncio import Redis

from tests.support.envelopes import an_envelope
from tests.support.proxy import proxied
from tests.support.sinks import CollectingSink
from wxbus.bus.consumer import Consumer
from wxbus.bus.ports import Delivery
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus.store.store import Store
from wxbus_worker.partitions.assignment import Role, shares
from wxbus_worker.partitions.membership import Membership
from wxbus_worker.partitions.rebalancer import WITHOUT_REDIS, Rebalancer

pytestmark = pytest.mark.integration


class AckingSink(CollectingSink):
    """Acknowledges what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self._acks: set[asyncio.Task[None]] = set()

    def deliver(self, delivery: Delivery) -> None:
        """Keep it and acknowledge it."""
        super().deliver(delivery)
        ack = asyncio.create_task(delivery.ack())
        self._acks.add(ack)
        ack.add_done_callback(self._acks.discard)


@dataclass
class Member:
    """One worker, as far as ownership goes."""

    name: str
    consumer: Consumer
    ownership: Rebalancer
    sink: AckingSink
    task: "asyncio.Task[None]"

    async def crash(self) -> None:
        """End without a word."""
        self.task.cancel()
        await asyncio.wait([self.task])

    async def stop(self) -> None:
        """End in good order."""
        self.ownership.stop()
        await self.consumer.stop()
        await self.task


Join: TypeAlias = Callable[[str], AbstractAsyncContextManager[Member]]


@pytest.fixture
def join(amqp_url: str, redis_url: str, redis: Redis, topology: Topology) -> Join:
    """Run a member while a block runs."""

    @asynccontextmanager
    async def join(name: str, redis_url: str = redis_url) -> AsyncIterator[Member]:
        async with Store.open(redis_url, answer_timeout=0.5) as store:
            sink = AckingSink()
            consumer = Consumer(amqp_url, topology, sink, name=name)
            membership = Membership(store, namespace=topology.namespace, member=name)
            ownership = Rebalancer(consumer, membership, partitions=topology.partitions)

            async def run() -> None:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(consumer.run())
                    tasks.create_task(ownership.run())

            member = Member(name, consumer, ownership, sink, asyncio.create_task(run()))
            try:
                yield member
            finally:
                await member.crash()

    assert redis is not None
    return join


async def until_shared(topology: Topology, *members: Member) -> None:
    """Return once each consumes what it is the first of, and the second of each waits; messages keep coming."""
    by_name = {member.name: member for member in members}
    async with Publisher.open(
        str(members[0].consumer._url.with_query(None)), topology, name="until shared"
    ) as publisher:
        while True:
            await probe(publisher)
            wanted = {
                partition: [(by_name[name], standby) for standby, name in enumerate(share)]
                for partition, share in shares(by_name, topology.partitions).items()
            }
            if all(
                sum(partition in member.consumer.subscriptions for member in members) == len(places)
                and all(settled(member, partition, bool(standby)) for member, standby in places)
                for partition, places in wanted.items()
            ):
                return
            await asyncio.sleep(0.1)


def settled(member: Member, partition: int, standby: bool) -> bool:
    """Whether the member consumes the partition, or waits for it."""
    holding = member.consumer.subscriptions.get(partition)
    return holding is not None and (holding.delivering is None) is standby is holding.standby


async def until(fulfilled: Callable[[], bool]) -> None:
    """Return once `fulfilled`; nothing tells when a subscription changes."""
    while not fulfilled():  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def probe(publisher: Publisher) -> None:
    """Send a message into every partition, most probably."""
    for number in range(20):
        await publisher.publish(an_envelope(number, openid=f"o_{number}"), budget=10)


async def test_members_share_the_partitions(join: Join, topology: Topology) -> None:
    """One has all; those who join have their share, those who crash or stop leave it to the others."""
    async with join("one") as one:
        await until_shared(topology, one)
        assert one.ownership.count(Role.FIRST) == topology.partitions
        async with join("two") as two:
            await until_shared(topology, one, two)
            async with join("three") as three:
                await until_shared(topology, one, two, three)
                await two.stop()
                await until_shared(topology, one, three)
                await one.crash()
                await until_shared(topology, three)


async def test_idle_partitions_move_too(join: Join, topology: Topology) -> None:
    """The first message after a quiet time goes to the right one: nothing moves under it."""
    async with join("one") as one, join("two") as two:
        members = {"one": one, "two": two}

        def placed() -> bool:
            return all(
                (holding := members[name].consumer.subscriptions.get(partition)) and holding.standby is bool(standby)
                for partition, share in shares(members, topology.partitions).items()
                for standby, name in enumerate(share)
            )

        await until(placed)
        async with Publisher.open(str(one.consumer._url.with_query(None)), topology, name="t") as publisher:
            for number in range(50):
                await publisher.publish(an_envelope(number, openid=f"o_{number}"), budget=10)
        for member in (one, two):
            mine = {p for p, (first, _) in shares(members, topology.partitions).items() if first == member.name}
            await member.sink.until(
                lambda member=member, mine=mine: {delivery.partition for delivery in member.sink.deliveries} >= mine
            )
            assert {delivery.partition for delivery in member.sink.deliveries} == mine


async def test_a_member_without_rabbitmq_has_no_share(join: Join, topology: Topology, redis: Redis) -> None:
    """It takes leave, so that nobody waits for one that cannot consume."""
    key = f"{topology.namespace}:members"
    async with join("one") as one:
        await until_shared(topology, one)
        one.consumer.subscribed.clear()
        while await redis.zcard(key):  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.1)
        one.consumer.subscribed.set()
        while not await redis.zcard(key):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_a_member_that_alone_is_without_redis_stays_out_of_the_way(
    join: Join, topology: Topology, redis_url: str
) -> None:
    """Once its connection is closed it makes no new one: it could commit nothing of what it would be given.

    As long as it keeps its connection, it keeps what it holds. When Redis answers again, it connects again.
    """
    async with (
        proxied(redis_url) as (proxy, cut_off_url),
        join("one", cut_off_url) as one,
        join("two") as two,
    ):
        await until_shared(topology, one, two)
        await proxy.refuse()
        await until(lambda: not one.consumer.admitted.is_set())
        assert one.consumer.subscribed.is_set()
        one.consumer.disconnect("as the others do with one that lapsed")
        await until_shared(topology, two)
        assert not one.consumer.subscribed.is_set()
        await proxy.listen()
        await one.consumer.subscribed.wait()


async def test_a_member_long_without_redis_disconnects_itself(join: Join, topology: Topology, redis_url: str) -> None:
    """Nobody else may be able to close its connection; meanwhile users would wait for nothing."""
    async with (
        proxied(redis_url) as (proxy, cut_off_url),
        join("one", cut_off_url) as one,
        join("two") as two,
    ):
        await until_shared(topology, one, two)
        await proxy.refuse()
        await until(lambda: not one.consumer.admitted.is_set())
        one.ownership._clock = lambda: time.monotonic() + WITHOUT_REDIS
        await until_shared(topology, two)
        assert not one.consumer.subscribed.is_set()
