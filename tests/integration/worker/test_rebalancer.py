"""Consumers on a real RabbitMQ share the partitions by the members in Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import pytest
from redis.asyncio import Redis

from tests.support.clock import AdvancedClock
from tests.support.envelopes import an_envelope
from tests.support.proxy import proxied
from tests.support.sinks import CollectingSink
from wxbus.bus.consumer import Consumer
from wxbus.bus.ports import Delivery
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus.store.store import Store
from wxbus_worker.partitions.assignment import Role, assign
from wxbus_worker.partitions.membership import Membership
from wxbus_worker.partitions.rebalancer import WITHOUT_REDIS, Rebalancer

pytestmark = pytest.mark.integration


class AckingSink(CollectingSink):
    """Acknowledges all deliveries."""

    def __init__(self) -> None:
        super().__init__()
        self._acks: set[asyncio.Task[None]] = set()

    def deliver(self, delivery: Delivery) -> None:
        """Keep the delivery and acknowledge it."""
        super().deliver(delivery)
        ack = asyncio.create_task(delivery.ack())
        self._acks.add(ack)
        ack.add_done_callback(self._acks.discard)


@dataclass
class Member:
    """The part of a worker that subscribes to partitions."""

    name: str
    amqp_url: str
    consumer: Consumer
    rebalancer: Rebalancer
    sink: AckingSink
    clock: AdvancedClock
    """The rebalancer's."""
    task: "asyncio.Task[None]"

    async def crash(self) -> None:
        """End without leaving."""
        self.task.cancel()
        await asyncio.wait([self.task])

    async def stop(self) -> None:
        """Stop gracefully."""
        self.rebalancer.stop()
        await self.consumer.stop()
        await self.task


Join: TypeAlias = Callable[..., AbstractAsyncContextManager[Member]]


@pytest.fixture
def join(amqp_url: str, redis_url: str, redis: Redis, topology: Topology) -> Join:
    """Run a member while a block runs."""

    @asynccontextmanager
    async def join(name: str, redis_url: str = redis_url) -> AsyncIterator[Member]:
        async with Store.open(redis_url, answer_timeout=5.0) as store:
            sink, clock = AckingSink(), AdvancedClock()
            consumer = Consumer(amqp_url, topology, sink, name=name)
            membership = Membership(store, namespace=topology.namespace, member=name)
            rebalancer = Rebalancer(consumer, membership, partitions=topology.partitions, clock=clock)

            async def run() -> None:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(consumer.run())
                    tasks.create_task(rebalancer.run())

            member = Member(name, amqp_url, consumer, rebalancer, sink, clock, asyncio.create_task(run()))
            try:
                yield member
            finally:
                await member.crash()

    assert redis is not None
    return join


async def until_shared(topology: Topology, *members: Member) -> None:
    """Return once each owner consumes and each standby waits, while messages arrive."""
    by_name = {member.name: member for member in members}
    async with Publisher.open(members[0].amqp_url, topology, name="until shared") as publisher:
        while True:
            await probe(publisher)
            wanted = {
                partition: [(by_name[name], standby) for standby, name in enumerate(roles)]
                for partition, roles in assign(by_name, topology.partitions).items()
            }
            if all(
                sum(partition in member.consumer.subscriptions for member in members) == len(roles)
                and all(settled(member, partition, bool(standby)) for member, standby in roles)
                for partition, roles in wanted.items()
            ):
                return
            await asyncio.sleep(0.1)


def settled(member: Member, partition: int, standby: bool) -> bool:
    """Whether the member consumes the partition, or waits for it."""
    subscription = member.consumer.subscriptions.get(partition)
    return subscription is not None and (subscription.delivering is None) is standby is subscription.standby


async def until(fulfilled: Callable[[], bool]) -> None:
    """Return once `fulfilled`; there is no event for changed subscriptions."""
    while not fulfilled():  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def probe(publisher: Publisher) -> None:
    """Publish enough messages to reach every partition, most probably."""
    for number in range(20):
        await publisher.publish(an_envelope(number, openid=f"o_{number}"), budget=10)


async def test_members_share_the_partitions(join: Join, topology: Topology) -> None:
    """A single member has all; new ones get their share, and others take over from those that crash or stop."""
    async with join("one") as one:
        await until_shared(topology, one)
        assert one.rebalancer.count(Role.OWNER) == topology.partitions
        async with join("two") as two:
            await until_shared(topology, one, two)
            async with join("three") as three:
                await until_shared(topology, one, two, three)
                await two.stop()
                await until_shared(topology, one, three)
                await one.crash()
                await until_shared(topology, three)


def has_deliveries_of(member: Member, partitions: set[int]) -> bool:
    """Return whether a member got a delivery of each of these partitions."""
    return {delivery.partition for delivery in member.sink.deliveries} >= partitions


async def test_idle_partitions_move_too(join: Join, topology: Topology) -> None:
    """Partitions without messages move as well: the first message is delivered to the owner."""
    async with join("one") as one, join("two") as two:
        members = {"one": one, "two": two}

        def assigned() -> bool:
            return all(
                (subscription := members[name].consumer.subscriptions.get(partition))
                and subscription.standby is bool(standby)
                for partition, roles in assign(members, topology.partitions).items()
                for standby, name in enumerate(roles)
            )

        await until(assigned)
        async with Publisher.open(one.amqp_url, topology, name="t") as publisher:
            for number in range(50):
                await publisher.publish(an_envelope(number, openid=f"o_{number}"), budget=10)
        for member in (one, two):
            mine = {p for p, (owner, _) in assign(members, topology.partitions).items() if owner == member.name}
            await member.sink.until(partial(has_deliveries_of, member, mine))
            assert {delivery.partition for delivery in member.sink.deliveries} == mine


async def test_a_member_without_rabbitmq_has_no_share(join: Join, topology: Topology, redis: Redis) -> None:
    """It leaves, so that others take over its partitions."""
    key = f"{topology.namespace}:members"
    async with join("one") as one:
        await until_shared(topology, one)
        one.consumer.subscribed.clear()
        while await redis.zcard(key):  # noqa: ASYNC110 - Redis has no event for it
            await asyncio.sleep(0.1)
        one.consumer.subscribed.set()
        while not await redis.zcard(key):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_a_member_that_alone_lost_redis_does_not_connect_again(
    join: Join, topology: Topology, redis_url: str
) -> None:
    """Once its connection is closed it waits for Redis: it could not commit its messages.

    It keeps its partitions as long as its connection is open.
    """
    async with (
        proxied(redis_url) as (proxy, proxied_url),
        join("one", proxied_url) as one,
        join("two") as two,
    ):
        await until_shared(topology, one, two)
        await proxy.refuse()
        await until(lambda: not one.consumer.admitted.is_set())
        assert one.consumer.subscribed.is_set()
        one.consumer.disconnect("closed by another member")
        await until_shared(topology, two)
        assert not one.consumer.subscribed.is_set()
        await proxy.listen()
        await one.consumer.subscribed.wait()


async def test_a_member_long_without_redis_disconnects_itself(join: Join, topology: Topology, redis_url: str) -> None:
    """Other members cannot close its connection without the management API."""
    async with (
        proxied(redis_url) as (proxy, proxied_url),
        join("one", proxied_url) as one,
        join("two") as two,
    ):
        await until_shared(topology, one, two)
        await proxy.refuse()
        await until(lambda: not one.consumer.admitted.is_set())
        one.clock.ahead = WITHOUT_REDIS
        await until_shared(topology, two)
        assert not one.consumer.subscribed.is_set()
