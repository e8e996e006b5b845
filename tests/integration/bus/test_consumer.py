"""The consumer against a real RabbitMQ: order, acknowledgements, subscriptions, lost connections."""

import asyncio
from contextlib import suppress
from functools import partial

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.bus.conftest import Consuming
from tests.support.envelopes import an_envelope
from tests.support.proxy import Proxy
from tests.support.sinks import CollectingSink
from wxbus.bus.consumer import Consumer
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus.errors import BrokerUnavailable, ConfigurationError, UnreadableEnvelope

pytestmark = pytest.mark.integration

MESSAGES = 100


async def publish_numbers(publisher: Publisher, numbers: range) -> None:
    """Send envelopes of one user, one after another, as ingress does."""
    for number in numbers:
        await publisher.publish(an_envelope(number), budget=20)


async def test_stop_keeps_the_order(publisher: Publisher, consuming: Consuming) -> None:
    """After `stop` the next consumer gets all unacknowledged envelopes once, in order."""
    await publish_numbers(publisher, range(MESSAGES))
    first, second = CollectingSink(), CollectingSink()
    async with consuming(first) as owner:
        for delivery in (await first.until_delivered(20))[:10]:
            await delivery.ack()
        async with consuming(second) as heir:
            await heir.subscribed.wait()
            await owner.stop()
            for count in range(1, MESSAGES - 9):
                await (await second.until_delivered(count))[-1].ack()

    assert list(range(10, MESSAGES)) == second.bodies()
    assert not first.losses


async def test_a_killed_connection_keeps_the_order(
    publisher: Publisher, consuming: Consuming, through_proxy: tuple[Proxy, str]
) -> None:
    """The next consumer gets the unacknowledged envelopes first, marked as redelivered."""
    proxy, url = through_proxy
    await publish_numbers(publisher, range(40))
    first, second = CollectingSink(), CollectingSink()
    async with consuming(first, url=url, prefetch=30):
        for delivery in (await first.until_delivered(30))[:10]:
            await delivery.ack()
        await first.until_delivered(40)  # with this prefetch: the ten acknowledgements have arrived
        async with consuming(second, prefetch=30):
            await proxy.refuse()
            taken = await second.until_delivered(30)
            await first.until_lost()

    assert list(range(10, 40)) == second.bodies()
    assert all(delivery.redelivered for delivery in taken)


async def test_an_ack_after_the_loss_is_an_error(
    publisher: Publisher, consuming: Consuming, through_proxy: tuple[Proxy, str]
) -> None:
    """It raises BrokerUnavailable, also after the consumer has reconnected."""
    proxy, url = through_proxy
    await publish_numbers(publisher, range(1))
    sink = CollectingSink()
    async with consuming(sink, url=url):
        [lost] = await sink.until_delivered(1)
        proxy.abort()
        await sink.until_lost()
        with pytest.raises(BrokerUnavailable, match="acknowledging"):
            await lost.ack()

        _, again = await sink.until_delivered(2)
        with pytest.raises(BrokerUnavailable):
            await lost.ack()
        assert again.redelivered
        assert lost.envelope() == again.envelope()
        await again.ack()


async def test_it_consumes_again_after_a_loss(
    publisher: Publisher, consuming: Consuming, through_proxy: tuple[Proxy, str]
) -> None:
    """After two resets every partition is delivered again."""
    proxy, url = through_proxy
    sink = CollectingSink()
    users = {f"o_{n}" for n in range(20)}

    def all_served(number: int) -> bool:
        return users == served(sink, number)

    def all_lost(times: int) -> bool:
        return len(sink.losses) == 4 * times

    async with consuming(sink, url=url):
        for number in range(3):
            for user in users:
                await publisher.publish(an_envelope(number, openid=user), budget=20)
            await sink.until(partial(all_served, number))
            if number < 2:
                proxy.abort()
                await sink.until(partial(all_lost, number + 1))

    assert sorted(sink.losses) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def served(sink: CollectingSink, number: int) -> set[str | None]:
    """Return the users of whom `sink` has this envelope."""
    return {
        envelope.openid
        for envelope in (delivery.envelope() for delivery in sink.deliveries)
        if envelope.body == str(number).encode()
    }


async def test_stop_waits_for_running_deliveries(publisher: Publisher, consuming: Consuming) -> None:
    """While a partition drains, running deliveries can be acknowledged and no new ones come."""
    await publish_numbers(publisher, range(1))
    first, second = CollectingSink(), CollectingSink()
    first.finished.clear()
    async with consuming(first) as owner:
        [running] = await first.until_delivered(1)
        stopping = asyncio.create_task(owner.stop())
        await first.until_draining()
        await publish_numbers(publisher, range(1, 3))
        await running.ack()
        first.finished.set()
        await stopping
        async with consuming(second):
            await second.until_delivered(2)

    assert first.bodies() == [0]
    assert second.bodies() == [1, 2]


async def test_unsubscribing_moves_one_partition(
    publisher: Publisher, consuming: Consuming, topology: Topology
) -> None:
    """Its unacknowledged envelopes go to the next consumer in order; other partitions stay."""
    await publish_numbers(publisher, range(60))
    moved = topology.partition_of("wx1:o_1")
    user = next(f"o_{n}" for n in range(100) if topology.partition_of(f"wx1:o_{n}") != moved)
    first, second = CollectingSink(), CollectingSink()
    async with consuming(first) as owner:
        for delivery in (await first.until_delivered(20))[:10]:
            await delivery.ack()
        async with consuming(second) as heir:
            await heir.subscribed.wait()
            await owner.unsubscribe(moved)
            for count in range(1, 51):
                await (await second.until_delivered(count))[-1].ack()
            await publisher.publish(an_envelope(99, openid=user), budget=20)
            await first.until(lambda: 99 in first.bodies())

            assert second.bodies() == list(range(10, 60))
            assert (first.losses, second.losses, moved in owner.subscriptions) == ([], [], False)


async def test_a_new_subscription_waits_behind_the_other(
    publisher: Publisher, consuming: Consuming, topology: Topology
) -> None:
    """A partition that is unsubscribed and subscribed again is a standby until the other consumer unsubscribes."""
    partition = topology.partition_of("wx1:o_1")
    sinks = CollectingSink(), CollectingSink()
    async with consuming(sinks[0]) as one, consuming(sinks[1]) as two:
        await one.subscribed.wait()
        await two.subscribed.wait()
        await publish_numbers(publisher, range(1))
        waits = [asyncio.create_task(sink.until_delivered(1)) for sink in sinks]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        waits[0 if waits[1].done() else 1].cancel()
        # RabbitMQ chose; these are now in the order of their subscriptions.
        (owner, first), (heir, second) = [(one, sinks[0]), (two, sinks[1])][:: 1 if waits[0].done() else -1]

        await first.deliveries[0].ack()
        await owner.unsubscribe(partition)
        await owner.subscribe(partition, standby=True)
        await publish_numbers(publisher, range(1, 3))
        for delivery in await second.until_delivered(2):
            await delivery.ack()
        assert owner.subscriptions[partition].standby
        assert owner.subscriptions[partition].delivering is None
        assert heir.subscriptions[partition].delivering is not None

        await heir.unsubscribe(partition)
        await publish_numbers(publisher, range(3, 4))
        await first.until_delivered(2)


async def test_a_reconnect_keeps_the_current_subscriptions(
    publisher: Publisher, consuming: Consuming, through_proxy: tuple[Proxy, str]
) -> None:
    """A new connection does not subscribe partitions that were unsubscribed before."""
    proxy, url = through_proxy
    sink = CollectingSink()
    async with consuming(sink, url=url) as consumer:
        await consumer.subscribed.wait()
        await consumer.unsubscribe(0)
        await consumer.unsubscribe(1)
        await consumer.subscribe(1, standby=True)
        proxy.abort()
        await sink.until_lost()
        for number in range(20):
            await publisher.publish(an_envelope(number, openid=f"o_{number}"), budget=20)
        await sink.until(lambda: {delivery.partition for delivery in sink.deliveries} >= {1, 2, 3})

        assert sorted(consumer.subscriptions) == [1, 2, 3]
        assert consumer.subscriptions[1].standby


async def test_run_returns_after_stop(amqp_url: str, topology: Topology, publisher: Publisher) -> None:
    """`stop` drains every partition once and ends `run`; readiness then says that the consumer is stopped."""
    await publish_numbers(publisher, range(1))
    sink = CollectingSink()
    consumer = Consumer(amqp_url, topology, sink, name=topology.namespace)
    async with asyncio.TaskGroup() as group:
        group.create_task(consumer.run(range(4)))
        await consumer.subscribed.wait()
        await consumer.check()
        await consumer.stop()

    assert sorted(sink.drained) == [0, 1, 2, 3]
    with pytest.raises(BrokerUnavailable, match="stopped"):
        await consumer.check()


async def test_stop_without_a_broker(through_proxy: tuple[Proxy, str], topology: Topology) -> None:
    """A consumer without connection can be stopped, and `check` has the reason."""
    proxy, url = through_proxy
    await proxy.refuse()
    consumer = Consumer(url, topology, CollectingSink(), name=topology.namespace)
    async with asyncio.TaskGroup() as group:
        group.create_task(consumer.run(range(4)))
        with pytest.raises(BrokerUnavailable):
            await consumer.check()
        await consumer.stop()


async def test_a_cancelled_consumer_returns_its_envelopes(publisher: Publisher, consuming: Consuming) -> None:
    """Its handler loses every partition; the next consumer gets all envelopes."""
    await publish_numbers(publisher, range(5))
    first, second = CollectingSink(), CollectingSink()
    async with consuming(first) as consumer:
        await first.until_delivered(5)
        await consumer.subscribed.wait()
    async with consuming(second):
        await second.until_delivered(5)

    assert sorted(first.losses) == [0, 1, 2, 3]
    assert list(range(5)) == second.bodies()


async def test_the_prefetch_limits_unacknowledged_envelopes(publisher: Publisher, consuming: Consuming) -> None:
    """The next envelope comes after an acknowledgement."""
    await publish_numbers(publisher, range(10))
    sink = CollectingSink()
    async with consuming(sink, prefetch=3):
        held = await sink.until_delivered(3)
        await held[1].ack()
        await sink.until_delivered(4)

        assert sink.bodies() == [0, 1, 2, 3]


async def test_an_unreadable_message_is_delivered(
    publisher: Publisher, consuming: Consuming, topology: Topology, channel: AbstractChannel
) -> None:
    """It has a lane of its own and can be acknowledged."""
    await publish_numbers(publisher, range(1))
    exchange = await channel.get_exchange(topology.inbox.name)
    for body in (b"a", b"b"):
        await exchange.publish(aio_pika.Message(body), routing_key="3")
    sink = CollectingSink()
    async with consuming(sink):
        deliveries = [delivery for delivery in await sink.until_delivered(3) if delivery.partition == 3]

        assert len({delivery.lane for delivery in deliveries}) == 2
        for delivery in deliveries:
            with pytest.raises(UnreadableEnvelope, match="type is missing"):
                delivery.envelope()
            await delivery.ack()


async def test_a_second_ack_is_not_sent(publisher: Publisher, consuming: Consuming) -> None:
    """A second acknowledgement raises RuntimeError and is not sent: RabbitMQ would close the channel for it."""
    await publish_numbers(publisher, range(3))
    sink = CollectingSink()
    async with consuming(sink, prefetch=1):
        [first] = await sink.until_delivered(1)
        await first.ack()
        with pytest.raises(RuntimeError, match="acknowledged twice"):
            await first.ack()
        _, second = await sink.until_delivered(2)
        await second.ack()
        await sink.until_delivered(3)  # with this prefetch: RabbitMQ has read the last acknowledgement

        assert sink.losses == []


async def test_a_deleted_queue_is_declared_and_consumed_again(
    publisher: Publisher, consuming: Consuming, topology: Topology, channel: AbstractChannel
) -> None:
    """RabbitMQ cancels the consumer of a deleted queue."""
    await publish_numbers(publisher, range(1))
    partition = topology.partition_of(an_envelope().lane)
    sink = CollectingSink()
    async with consuming(sink):
        [delivery] = await sink.until_delivered(1)
        await delivery.ack()
        await channel.queue_delete(topology.inbox_queue(partition).name)
        await sink.until_lost()
        with suppress(BrokerUnavailable):  # the queue may not be back yet
            await publisher.publish(an_envelope(1), budget=10)
        await publisher.publish(an_envelope(2), budget=10)
        await sink.until_delivered(2)


async def test_a_queue_with_other_settings_ends_run(
    amqp_url: str, topology: Topology, channel: AbstractChannel
) -> None:
    """With a configuration error that names the queue."""
    name = topology.inbox_queue(0).name
    await channel.declare_queue(name, durable=True)
    consumer = Consumer(amqp_url, topology, CollectingSink(), name=topology.namespace)

    with pytest.raises(ConfigurationError, match=name):
        await consumer.run(range(4))
