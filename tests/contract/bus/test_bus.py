"""One contract for the in-memory bus and for the real one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from tests.support.envelopes import an_envelope
from tests.support.proxy import proxied
from tests.support.sinks import CollectingSink
from wxbus.bus.consumer import Consumer
from wxbus.bus.envelope import Envelope
from wxbus.bus.passive_answer import PassiveAnswer
from wxbus.bus.ports import Death, Delivery
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus.errors import BrokerUnavailable
from wxbus.testing import MemoryDelivery, MemoryPublisher

DEATH = Death(reason="reject", error="Reject: no", attempts=1, died_at=1.0)


@dataclass
class Bus:
    """A publisher with its inbox, and the faults that a test injects."""

    publisher: MemoryPublisher | Publisher
    arrived: Callable[[int], Awaitable[list[Delivery]]]
    """Return the first deliveries of the inbox."""
    cut: Callable[[], Awaitable[None]]
    """Disconnect the broker; return when the channels of the deliveries are lost."""
    heal: Callable[[], Awaitable[None]]


@pytest.fixture
async def memory_bus() -> Bus:
    """The in-memory bus."""
    publisher = MemoryPublisher()
    deliveries: list[MemoryDelivery] = []

    async def arrived(count: int) -> list[Delivery]:
        deliveries.extend(MemoryDelivery(envelope) for envelope in publisher.published[len(deliveries) : count])
        return list(deliveries[:count])

    async def cut() -> None:
        publisher.unavailable = True
        for delivery in deliveries:
            delivery.lost = True

    async def heal() -> None:
        publisher.unavailable = False
        publisher.connections += 1

    return Bus(publisher, arrived, cut, heal)


@pytest.fixture
async def rabbitmq_bus(amqp_url: str, topology: Topology) -> AsyncIterator[Bus]:
    """RabbitMQ behind a proxy."""
    sink = CollectingSink()
    async with proxied(amqp_url) as (proxy, url), Publisher.open(url, topology, name=topology.namespace) as publisher:
        consumer = Consumer(url, topology, sink, name=topology.namespace)
        running = asyncio.create_task(consumer.run(range(topology.partitions)))
        await consumer.subscribed.wait()

        async def cut() -> None:
            await proxy.refuse()
            await sink.until_lost()

        yield Bus(publisher, sink.until_delivered, cut, proxy.listen)
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture(params=["memory_bus", pytest.param("rabbitmq_bus", marks=pytest.mark.integration)])
def bus(request: pytest.FixtureRequest) -> Bus:
    """One contract, two implementations."""
    bus: Bus = request.getfixturevalue(request.param)
    return bus


def read(deliveries: list[Delivery]) -> list[Envelope]:
    """Return the envelopes."""
    return [delivery.envelope() for delivery in deliveries]


async def test_published_envelopes_arrive_in_order(bus: Bus) -> None:
    """The envelopes of one user arrive unchanged, in order, and can be acknowledged."""
    sent = [an_envelope(number) for number in range(3)]
    for envelope in sent:
        await bus.publisher.publish(envelope, budget=10)
    deliveries = await bus.arrived(3)

    assert sent == read(deliveries)
    for delivery in deliveries:
        assert sent[0].lane == delivery.lane
        assert not delivery.redelivered
        await delivery.ack()


async def test_a_second_ack_raises_runtime_error(bus: Bus) -> None:
    """It is a fault in the code."""
    await bus.publisher.publish(an_envelope(), budget=10)
    [delivery] = await bus.arrived(1)
    await delivery.ack()

    with pytest.raises(RuntimeError, match="acknowledged twice"):
        await delivery.ack()


async def test_an_ack_after_the_loss_is_refused(bus: Bus) -> None:
    """A delivery of a lost channel cannot be acknowledged."""
    await bus.publisher.publish(an_envelope(), budget=10)
    [delivery] = await bus.arrived(1)
    await bus.cut()

    with pytest.raises(BrokerUnavailable):
        await delivery.ack()


async def test_without_a_broker_every_call_fails(bus: Bus) -> None:
    """Each call raises BrokerUnavailable, and succeeds when the broker is back."""
    await bus.publisher.publish(an_envelope(), budget=10)
    [delivery] = await bus.arrived(1)
    await bus.cut()

    for refused in (
        bus.publisher.publish(an_envelope(), budget=0.1),
        bus.publisher.schedule_retry(an_envelope(), delay="1s", budget=0.1),
        bus.publisher.dead_letter(delivery, DEATH, budget=0.1),
        bus.publisher.answer(an_envelope(reply_to="requester"), PassiveAnswer(), budget=0.1),
    ):
        with pytest.raises(BrokerUnavailable):
            await refused

    await bus.heal()
    await bus.publisher.publish(an_envelope(), budget=20)
    await bus.publisher.schedule_retry(an_envelope(), delay="1s", budget=20)
    await bus.publisher.dead_letter(delivery, DEATH, budget=20)


async def test_a_probe_waits_for_a_confirm(bus: Bus) -> None:
    """It leaves no message behind; `connections` grows with each reconnect."""
    await bus.publisher.probe(budget=10)
    known = bus.publisher.connections
    await bus.publisher.publish(an_envelope(1), budget=10)
    await bus.publisher.probe(budget=10)
    assert [envelope.body for envelope in read(await bus.arrived(1))] == [b"1"]
    assert bus.publisher.connections == known

    await bus.cut()
    with pytest.raises(BrokerUnavailable):
        await bus.publisher.probe(budget=0.1)
    await bus.heal()
    await bus.publisher.probe(budget=20)
    assert bus.publisher.connections > known


async def test_an_exhausted_budget_is_an_error(bus: Bus) -> None:
    """A publish without budget raises BrokerUnavailable."""
    with pytest.raises(BrokerUnavailable):
        await bus.publisher.publish(an_envelope(), budget=0)


async def test_an_unknown_delay_is_an_error(bus: Bus) -> None:
    """It is a fault in the code."""
    with pytest.raises(ValueError, match="no retry delay 'soon'"):
        await bus.publisher.schedule_retry(an_envelope(), delay="soon", budget=10)
