"""The publisher against a real RabbitMQ: confirms, budgets, lost connections."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from pamqp import commands, frame
from yarl import URL

from tests.integration.bus.conftest import Consuming
from tests.support.envelopes import an_envelope
from tests.support.proxy import Proxy
from tests.support.sinks import CollectingSink
from wxbus.bus.amqp.connection import BrokerCall, address
from wxbus.bus.ports import Death
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology
from wxbus.errors import BrokerUnavailable

pytestmark = pytest.mark.integration


@pytest.fixture
async def distant(through_proxy: tuple[Proxy, str], topology: Topology) -> AsyncIterator[Publisher]:
    """A publisher through the proxy, connected."""
    _, url = through_proxy
    async with Publisher.open(url, topology, name=topology.namespace) as publisher:
        await publisher.publish(an_envelope(0), budget=10)
        yield publisher


async def test_the_error_names_a_wrong_virtual_host(amqp_url: str) -> None:
    """The client library reports only an unexpected frame."""
    url = address(str(URL(amqp_url).with_path("/no-such-host")), name="test")
    with pytest.raises(BrokerUnavailable, match="virtual host"), BrokerCall("connecting"):
        await aio_pika.connect(url)  # for as long as it takes


async def test_an_envelope_arrives_unchanged(publisher: Publisher, consuming: Consuming) -> None:
    """It comes out of its lane's partition with every field."""
    sent = an_envelope(7, openid="o_x", attempt=3, replay=True, reply_to="answers", correlation_id="c", expiration=4.25)
    await publisher.publish(sent, budget=10)
    sink = CollectingSink()
    async with consuming(sink):
        [delivery] = await sink.until_delivered(1)

    assert sent == delivery.envelope()
    assert sent.lane == delivery.lane
    assert delivery.partition == Topology(partitions=4).partition_of(sent.lane)
    assert not delivery.redelivered


async def test_a_publish_returns_after_the_confirm(
    through_proxy: tuple[Proxy, str], distant: Publisher, consuming: Consuming
) -> None:
    """Without a confirm the outcome is unknown: an error, although the envelope may have arrived."""
    proxy, _ = through_proxy
    proxy.hold_answers()

    with pytest.raises(BrokerUnavailable, match="no answer in time"):
        await distant.publish(an_envelope(1), budget=0.3)
    sink = CollectingSink()
    async with consuming(sink):
        await sink.until_delivered(2)

    assert sink.bodies() == [0, 1]


async def test_the_budget_limits_a_publish_to_a_silent_broker(
    through_proxy: tuple[Proxy, str], distant: Publisher
) -> None:
    """The publisher is usable as soon as the broker answers again."""
    proxy, _ = through_proxy
    proxy.blackhole()

    with pytest.raises(BrokerUnavailable, match="no answer in time"):
        await distant.publish(an_envelope(1), budget=0.2)
    proxy.flow()
    await distant.publish(an_envelope(2), budget=10)


async def test_each_unconfirmed_publish_has_its_own_budget(
    through_proxy: tuple[Proxy, str], distant: Publisher
) -> None:
    """One that may wait for long does not delay the failure of a shorter one, and is confirmed in the end."""
    proxy, _ = through_proxy
    await distant.publish(an_envelope(0), budget=10)
    proxy.hold_answers()
    patient = asyncio.create_task(distant.publish(an_envelope(1), budget=60))
    await asyncio.sleep(0)
    for budget in (0.05, 0.02):
        with pytest.raises(BrokerUnavailable, match="no answer in time"):
            await distant.publish(an_envelope(2), budget=budget)
    assert not patient.done()
    proxy.flow()
    await patient


async def test_waiting_for_the_window_counts_against_the_budget(
    through_proxy: tuple[Proxy, str], topology: Topology
) -> None:
    """With a full window another publish ends within its own budget."""
    proxy, url = through_proxy
    async with Publisher.open(url, topology, name=topology.namespace, window=1) as publisher:
        await publisher.publish(an_envelope(0), budget=10)
        proxy.blackhole()
        holding = asyncio.create_task(publisher.publish(an_envelope(1), budget=30))
        await asyncio.sleep(0)
        with pytest.raises(BrokerUnavailable, match="no answer in time"):
            await publisher.publish(an_envelope(2), budget=0.1)
        holding.cancel()
        with suppress(asyncio.CancelledError):
            await holding


async def test_a_lost_connection_fails_unconfirmed_publishes(
    through_proxy: tuple[Proxy, str], distant: Publisher
) -> None:
    """When the connection is lost, a publish without a confirm fails at once with BrokerUnavailable."""
    proxy, _ = through_proxy
    proxy.hold_answers()
    flying = asyncio.create_task(distant.publish(an_envelope(1), budget=30))
    await asyncio.sleep(0)

    proxy.abort()

    with pytest.raises(BrokerUnavailable):
        await flying


async def test_a_late_confirm_is_not_logged(
    through_proxy: tuple[Proxy, str], distant: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    """A slow broker must not fill the log."""
    proxy, _ = through_proxy
    proxy.hold_answers()
    with pytest.raises(BrokerUnavailable, match="no answer in time"):
        await distant.publish(an_envelope(1), budget=0.1)
    proxy.flow()
    await distant.publish(an_envelope(2), budget=10)

    assert [record.getMessage() for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []


@pytest.mark.slow
async def test_a_stuck_connection_fails_unconfirmed_publishes(
    through_proxy: tuple[Proxy, str], topology: Topology
) -> None:
    """When the heartbeat closes it, they fail with BrokerUnavailable, not with a cancellation."""
    proxy, url = through_proxy
    async with Publisher.open(f"{url}?heartbeat=1", topology, name=topology.namespace) as publisher:
        await publisher.publish(an_envelope(0), budget=10)
        proxy.blackhole()

        with pytest.raises(BrokerUnavailable) as caught:
            await publisher.publish(an_envelope(1), budget=50)

        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        assert _cancelling() == 0


async def test_a_cancelled_publish_raises_cancelled_error(through_proxy: tuple[Proxy, str], distant: Publisher) -> None:
    """It does not raise an error of the broker."""
    proxy, _ = through_proxy
    proxy.blackhole()
    flying = asyncio.create_task(distant.publish(an_envelope(1), budget=30))
    await asyncio.sleep(0)

    flying.cancel()

    with pytest.raises(asyncio.CancelledError):
        await flying


async def test_it_reconnects_after_a_loss(through_proxy: tuple[Proxy, str], distant: Publisher) -> None:
    """A later publish succeeds within its budget."""
    proxy, _ = through_proxy
    proxy.abort()

    with suppress(BrokerUnavailable):  # the loss may not be noticed yet
        await distant.publish(an_envelope(1), budget=10)
    await distant.publish(an_envelope(2), budget=10)

    assert proxy.accepted >= 2


async def test_it_may_start_before_the_broker(through_proxy: tuple[Proxy, str], topology: Topology) -> None:
    """The publisher opens without a broker, reports the reason in `check`, and works once the broker is there."""
    proxy, url = through_proxy
    await proxy.refuse()
    async with Publisher.open(url, topology, name=topology.namespace) as publisher:
        with pytest.raises(BrokerUnavailable):
            await publisher.check()
        with pytest.raises(BrokerUnavailable, match="no answer in time"):
            await publisher.publish(an_envelope(1), budget=0.1)
        await until_check_says(publisher, "connecting to RabbitMQ")

        await proxy.listen()
        await publisher.publish(an_envelope(2), budget=20)
        await publisher.check()


async def until_check_says(publisher: Publisher, pattern: str) -> None:
    """Return once `check` fails with that reason."""
    reason = ""
    while not re.search(pattern, reason):
        try:
            await publisher.check()
        except BrokerUnavailable as exc:
            reason = str(exc)
        await asyncio.sleep(0.01)


async def test_a_missing_queue_is_declared_again(
    publisher: Publisher, topology: Topology, channel: AbstractChannel
) -> None:
    """An envelope that no queue gets is never reported as published."""
    envelope = an_envelope(1)
    await publisher.publish(envelope, budget=10)
    await channel.queue_delete(topology.inbox_queue(topology.partition_of(envelope.lane)).name)

    with pytest.raises(BrokerUnavailable, match="no queue is bound"):
        await publisher.publish(envelope, budget=10)
    await publisher.publish(envelope, budget=10)


async def test_a_missing_exchange_is_declared_again(
    publisher: Publisher, topology: Topology, channel: AbstractChannel
) -> None:
    """The publish to the missing exchange fails."""
    await publisher.publish(an_envelope(1), budget=10)
    await channel.exchange_delete(topology.inbox.name)

    with pytest.raises(BrokerUnavailable):
        await publisher.publish(an_envelope(1), budget=10)
    await publisher.publish(an_envelope(1), budget=10)


async def test_a_queue_with_other_settings_is_named(
    amqp_url: str, topology: Topology, channel: AbstractChannel
) -> None:
    """The publisher is not ready, and the reason names the queue."""
    await channel.declare_queue(topology.dead.name, durable=True)
    async with Publisher.open(amqp_url, topology, name=topology.namespace) as publisher:
        await until_check_says(publisher, f"RabbitMQ has {topology.dead.name} or .* other settings")
        with pytest.raises(BrokerUnavailable):
            await publisher.publish(an_envelope(1), budget=0.1)


async def test_more_publishes_than_the_window_all_arrive(publisher: Publisher, consuming: Consuming) -> None:
    """Each is confirmed, none arrives twice."""
    await asyncio.gather(*(publisher.publish(an_envelope(n, openid=f"o_{n}"), budget=20) for n in range(300)))
    sink = CollectingSink()
    async with consuming(sink, prefetch=300):
        await sink.until_delivered(300)

    assert list(range(300)) == sorted(sink.bodies())


async def test_a_retry_returns_to_its_partition(publisher: Publisher, consuming: Consuming) -> None:
    """A scheduled retry comes back to the partition of its lane after the delay, unchanged."""
    retried = an_envelope(5, openid="o_retried", attempt=2)
    await publisher.schedule_retry(retried, delay="1s", budget=10)
    sink = CollectingSink()
    async with consuming(sink):
        [delivery] = await sink.until_delivered(1)

    assert retried == delivery.envelope()
    assert Topology(partitions=4).partition_of(retried.lane) == delivery.partition


async def test_a_dead_letter_keeps_body_and_headers(
    publisher: Publisher, consuming: Consuming, topology: Topology, channel: AbstractChannel
) -> None:
    """A dead letter is the unchanged message, readable or not, with the reason of its death."""
    await publisher.publish(an_envelope(1), budget=10)
    exchange = await channel.get_exchange(topology.inbox.name)
    await exchange.publish(aio_pika.Message(b"\xff not ours", headers={"mine": "kept"}), routing_key="2")
    sink = CollectingSink()
    death = Death(reason="reject", error="Reject: no", traceback="t" * 200_000, attempts=4, died_at=1_700_000_001.5)
    async with consuming(sink):
        for delivery in await sink.until_delivered(2):
            await publisher.dead_letter(delivery, death, budget=10)

    queue = await channel.get_queue(topology.dead_queue.name)
    dead = [await queue.get(no_ack=True, timeout=60) for _ in range(2)]
    readable, unreadable = sorted(dead, key=lambda message: message.body)
    assert (readable.body, unreadable.body) == (b"1", b"\xff not ours")
    assert readable.headers.items() >= {"lane": "wx1:o_1", "dedup_id": "wx1:m:o_1:1", "attempt": 1}.items()
    assert {"mine": "kept"}.items() <= unreadable.headers.items()
    for message in dead:
        assert tuple(
            message.headers[name] for name in ("death_reason", "death_error", "death_attempts", "died_at_ms")
        ) == ("reject", "Reject: no", 4, 1_700_000_001_500)
        assert len(str(message.headers["death_traceback"])) <= 16_000


async def test_check_reports_a_blocked_connection(through_proxy: tuple[Proxy, str], distant: Publisher) -> None:
    """While RabbitMQ blocks publishers because of an alarm, the publisher is not ready."""
    proxy, _ = through_proxy
    await distant.check()

    proxy.inject(frame.marshal(commands.Connection.Blocked("low on memory"), 0))
    await until_check_says(distant, "alarm")
    proxy.inject(frame.marshal(commands.Connection.Unblocked(), 0))

    await distant.until_usable()
    await distant.check()


def _cancelling() -> int:
    task = asyncio.current_task()
    assert task
    return task.cancelling()
