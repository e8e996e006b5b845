import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from yarl import URL

from tests.integration.bus.conftest import Consuming
from tests.support.envelopes import an_envelope
from tests.support.proxy import Proxy
from tests.support.sinks import CollectingSink
from wxbus.bus.connection import BrokerCall, address
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


async def test_a_wrong_virtual_host_is_said_to_be_so(amqp_url: str) -> None:
    """RabbitMQ's client only tells of a frame that it did not expect."""
    url = address(str(URL(amqp_url).with_path("/no-such-host")), name="test")
    with pytest.raises(BrokerUnavailable, match="virtual host"), BrokerCall("connecting"):
        await aio_pika.connect(url)  # for as long as it takes


async def test_what_is_published_arrives_as_it_was(publisher: Publisher, consuming: Consuming) -> None:
    """An envelope comes out of its lane's partition with every field it went in with."""
    sent = an_envelope(7, openid="o_x", attempt=3, replay=True, reply_to="answers", correlation_id="c", expiration=4.25)
    await publisher.publish(sent, budget=10)
    sink = CollectingSink()
    async with consuming(sink):
        [delivery] = await sink.until_delivered(1)

    assert sent == delivery.envelope()
    assert sent.lane == delivery.lane
    assert delivery.partition == Topology(partitions=4).partition_of(sent.lane)
    assert not delivery.redelivered


async def test_nothing_returns_before_the_confirm(
    through_proxy: tuple[Proxy, str], distant: Publisher, consuming: Consuming
) -> None:
    """A publish whose confirm does not come is an unknown outcome: an error, though the envelope may have arrived."""
    proxy, _ = through_proxy
    proxy.hold_answers()

    with pytest.raises(BrokerUnavailable, match="no answer in time"):
        await distant.publish(an_envelope(1), budget=0.3)
    sink = CollectingSink()
    async with consuming(sink):
        await sink.until_delivered(2)

    assert sink.bodies() == [0, 1]


async def test_the_budget_bounds_a_publish_to_a_silent_broker(
    through_proxy: tuple[Proxy, str], distant: Publisher
) -> None:
    """A broker that says nothing costs the budget, no more, and the publisher is usable when it speaks again."""
    proxy, _ = through_proxy
    proxy.blackhole()

    with pytest.raises(BrokerUnavailable, match="no answer in time"):
        await distant.publish(an_envelope(1), budget=0.2)
    proxy.flow()
    await distant.publish(an_envelope(2), budget=10)


async def test_waiting_for_a_free_place_counts_against_the_budget(
    through_proxy: tuple[Proxy, str], topology: Topology
) -> None:
    """With the window full, another publish still ends within its own budget."""
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


async def test_a_connection_lost_in_flight_is_an_unknown_outcome(
    through_proxy: tuple[Proxy, str], distant: Publisher
) -> None:
    """A publish in flight when the connection is reset ends at once, as BrokerUnavailable."""
    proxy, _ = through_proxy
    proxy.hold_answers()
    flying = asyncio.create_task(distant.publish(an_envelope(1), budget=30))
    await asyncio.sleep(0)

    proxy.abort()

    with pytest.raises(BrokerUnavailable):
        await flying


async def test_a_confirm_that_comes_late_is_no_news(
    through_proxy: tuple[Proxy, str], distant: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    """The confirm of what was given up is dropped without a word: a slow broker must not fill the log."""
    proxy, _ = through_proxy
    proxy.hold_answers()
    with pytest.raises(BrokerUnavailable, match="no answer in time"):
        await distant.publish(an_envelope(1), budget=0.1)
    proxy.flow()
    await distant.publish(an_envelope(2), budget=10)

    assert [record.getMessage() for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []


@pytest.mark.slow
async def test_a_stuck_connection_is_an_unknown_outcome(through_proxy: tuple[Proxy, str], topology: Topology) -> None:
    """A connection given up by its heartbeat fails what is in flight as BrokerUnavailable, not as a cancellation."""
    proxy, url = through_proxy
    async with Publisher.open(f"{url}?heartbeat=1", topology, name=topology.namespace) as publisher:
        await publisher.publish(an_envelope(0), budget=10)
        proxy.blackhole()

        with pytest.raises(BrokerUnavailable) as caught:
            await publisher.publish(an_envelope(1), budget=50)

        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        assert _cancelling() == 0


async def test_a_real_cancellation_passes_through(through_proxy: tuple[Proxy, str], distant: Publisher) -> None:
    """Whoever cancels a publish gets a cancellation, not an error of the broker."""
    proxy, _ = through_proxy
    proxy.blackhole()
    flying = asyncio.create_task(distant.publish(an_envelope(1), budget=30))
    await asyncio.sleep(0)

    flying.cancel()

    with pytest.raises(asyncio.CancelledError):
        await flying


async def test_it_connects_again_after_a_loss(through_proxy: tuple[Proxy, str], distant: Publisher) -> None:
    """After a reset the publisher works again by itself, within a later publish's budget."""
    proxy, _ = through_proxy
    proxy.abort()

    with suppress(BrokerUnavailable):  # the loss may not be noticed yet
        await distant.publish(an_envelope(1), budget=10)
    await distant.publish(an_envelope(2), budget=10)

    assert proxy.accepted >= 2


async def test_it_may_start_before_the_broker(through_proxy: tuple[Proxy, str], topology: Topology) -> None:
    """With the broker away a publisher opens, says that it is not ready and why, and works once the broker is there."""
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
    """Return once that is why the publisher is not ready."""
    said = ""
    while not re.search(pattern, said):
        with pytest.raises(BrokerUnavailable) as caught:
            await publisher.check()
        said = str(caught.value)
        await asyncio.sleep(0.01)


async def test_what_no_queue_takes_is_an_error_and_heals(
    publisher: Publisher, topology: Topology, channel: AbstractChannel
) -> None:
    """An envelope that no queue takes is never reported as sent; the missing queue is declared again."""
    envelope = an_envelope(1)
    await publisher.publish(envelope, budget=10)
    await channel.queue_delete(topology.inbox_queue(topology.partition_of(envelope.lane)).name)

    with pytest.raises(BrokerUnavailable, match="no queue is bound"):
        await publisher.publish(envelope, budget=10)
    await publisher.publish(envelope, budget=10)


async def test_a_missing_exchange_is_an_error_and_heals(
    publisher: Publisher, topology: Topology, channel: AbstractChannel
) -> None:
    """A publish to an exchange that is gone fails, and the exchange is declared again."""
    await publisher.publish(an_envelope(1), budget=10)
    await channel.exchange_delete(topology.inbox.name)

    with pytest.raises(BrokerUnavailable):
        await publisher.publish(an_envelope(1), budget=10)
    await publisher.publish(an_envelope(1), budget=10)


async def test_other_settings_are_named(amqp_url: str, topology: Topology, channel: AbstractChannel) -> None:
    """A queue that exists with other settings makes the publisher not ready, and the reason names the queue."""
    await channel.declare_queue(topology.dead.name, durable=True)
    async with Publisher.open(amqp_url, topology, name=topology.namespace) as publisher:
        await until_check_says(publisher, f"RabbitMQ has {topology.dead.name} or .* other settings")
        with pytest.raises(BrokerUnavailable):
            await publisher.publish(an_envelope(1), budget=0.1)


async def test_many_at_once_all_arrive(publisher: Publisher, consuming: Consuming) -> None:
    """More publishes than the window holds are all confirmed, none twice."""
    await asyncio.gather(*(publisher.publish(an_envelope(n, openid=f"o_{n}"), budget=20) for n in range(300)))
    sink = CollectingSink()
    async with consuming(sink, prefetch=300):
        await sink.until_delivered(300)

    assert list(range(300)) == sorted(sink.bodies())


async def test_what_is_parked_comes_back_to_its_partition(publisher: Publisher, consuming: Consuming) -> None:
    """A parked envelope returns to its own partition after the delay, unchanged."""
    parked = an_envelope(5, openid="o_parked", attempt=2)
    await publisher.schedule_retry(parked, delay="1s", budget=10)
    sink = CollectingSink()
    async with consuming(sink):
        [delivery] = await sink.until_delivered(1)

    assert parked == delivery.envelope()
    assert Topology(partitions=4).partition_of(parked.lane) == delivery.partition


async def test_a_delay_that_does_not_exist_is_refused(publisher: Publisher) -> None:
    """Only the delays that have a queue can be asked for."""
    with pytest.raises(ValueError, match="no retry delay '2s'"):
        await publisher.schedule_retry(an_envelope(1), delay="2s", budget=1)


async def test_the_buried_keep_body_and_headers(
    publisher: Publisher, consuming: Consuming, topology: Topology, channel: AbstractChannel
) -> None:
    """A dead letter is the message as it came, readable or not, plus why it died."""
    await publisher.publish(an_envelope(1), budget=10)
    exchange = await channel.get_exchange(topology.inbox.name)
    await exchange.publish(aio_pika.Message(b"\xff not ours", headers={"mine": "kept"}), routing_key="2")
    sink = CollectingSink()
    death = Death(reason="reject", error="Reject: no", traceback="t" * 200_000, attempts=4, died_at=1_700_000_001.5)
    async with consuming(sink):
        for delivery in await sink.until_delivered(2):
            await publisher.dead_letter(delivery, death, budget=10)

    queue = await channel.get_queue(topology.dead_queue.name)
    buried = [await queue.get(no_ack=True), await queue.get(no_ack=True)]
    readable, unreadable = sorted(buried, key=lambda message: message.body)
    assert (readable.body, unreadable.body) == (b"1", b"\xff not ours")
    assert readable.headers.items() >= {"lane": "wx1:o_1", "dedup_id": "wx1:m:o_1:1", "attempt": 1}.items()
    assert {"mine": "kept"}.items() <= unreadable.headers.items()
    for message in buried:
        assert tuple(
            message.headers[name] for name in ("death_reason", "death_error", "death_attempts", "died_at_ms")
        ) == ("reject", "Reject: no", 4, 1_700_000_001_500)
        assert len(str(message.headers["death_traceback"])) <= 16_000


async def test_check_tells_of_a_blocked_connection(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """While RabbitMQ blocks publishers for an alarm, the publisher is not ready."""
    await publisher.publish(an_envelope(1), budget=10)
    await publisher.check()

    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(publisher._session.current(), "until_unblocked", never)
    with pytest.raises(BrokerUnavailable, match="alarm"):
        await publisher.check()


def _cancelling() -> int:
    task = asyncio.current_task()
    assert task
    return task.cancelling()
