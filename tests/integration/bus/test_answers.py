"""Passive answers by direct reply-to, over a real RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.bus.conftest import Consuming
from tests.support.envelopes import an_envelope
from tests.support.proxy import Proxy
from tests.support.sinks import CollectingSink
from wxbus.bus.envelope import Envelope
from wxbus.bus.passive_answer import REPLY_TO, PassiveAnswer
from wxbus.bus.publisher import Publisher
from wxbus.bus.topology import Topology

pytestmark = pytest.mark.integration

ANSWER = PassiveAnswer({"MsgType": "text", "CreateTime": 5, "Content": "您好"}, "reply_id")


class Received:
    """Collects answers; None is a lost channel."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[str, PassiveAnswer] | None] = asyncio.Queue()

    def answered(self, correlation_id: str, answer: PassiveAnswer) -> None:
        """Append it."""
        self.queue.put_nowait((correlation_id, answer))

    def lost(self) -> None:
        """Append None."""
        self.queue.put_nowait(None)


@pytest.fixture
def received() -> Received:
    """The received answers."""
    return Received()


@pytest.fixture
async def asking(through_proxy: tuple[Proxy, str], topology: Topology, received: Received) -> AsyncIterator[Publisher]:
    """The publisher of the requester, behind a proxy."""
    _, url = through_proxy
    async with Publisher.open(url, topology, name="asking", answers=received) as publisher:
        yield publisher


async def asked(asking: Publisher, consuming: Consuming, correlation_id: str) -> Envelope:
    """Publish a callback with `reply_to`; return it as the worker gets it."""
    sink = CollectingSink()
    await asking.publish(an_envelope(reply_to=REPLY_TO, correlation_id=correlation_id, expiration=4.5), budget=10)
    async with consuming(sink):
        [delivery] = await sink.until_delivered(1)
        await delivery.ack()
    return delivery.envelope()


async def test_an_answer_goes_to_the_requester(
    asking: Publisher, publisher: Publisher, consuming: Consuming, received: Received
) -> None:
    """RabbitMQ fills in the name of the channel; the answer has the correlation id."""
    envelope = await asked(asking, consuming, "c1")
    assert envelope.reply_to is not None
    assert envelope.reply_to.startswith(f"{REPLY_TO}.")
    await publisher.answer(envelope, ANSWER, budget=10)
    assert await received.queue.get() == ("c1", ANSWER)


async def test_an_answer_to_a_lost_channel_is_dropped(
    through_proxy: tuple[Proxy, str], asking: Publisher, publisher: Publisher, consuming: Consuming, received: Received
) -> None:
    """The requester is notified of the lost channel; the worker's next answers arrive."""
    proxy, _ = through_proxy
    envelope = await asked(asking, consuming, "c1")
    await proxy.refuse()
    assert await received.queue.get() is None
    await publisher.answer(envelope, ANSWER, budget=10)

    await proxy.listen()
    envelope = await asked(asking, consuming, "c2")
    await publisher.answer(envelope, ANSWER, budget=10)
    assert await received.queue.get() == ("c2", ANSWER)


async def test_an_unreadable_answer_is_ignored(
    asking: Publisher, publisher: Publisher, consuming: Consuming, received: Received, channel: AbstractChannel
) -> None:
    """Any client that knows the channel's name can publish to it; valid answers still arrive."""
    envelope = await asked(asking, consuming, "c1")
    for body in (b"", b"[]", b'{"document": 5, "reply_id": ""}', b'{"document": null, "reply_id": 5}'):
        await channel.default_exchange.publish(aio_pika.Message(body), envelope.reply_to or "", mandatory=False)
    await publisher.answer(envelope, ANSWER, budget=10)
    assert await received.queue.get() == ("c1", ANSWER)


async def test_an_answer_needs_a_reply_to(publisher: Publisher) -> None:
    """An envelope without `reply_to` cannot be answered."""
    with pytest.raises(ValueError, match="no reply_to"):
        await publisher.answer(an_envelope(), ANSWER, budget=10)
