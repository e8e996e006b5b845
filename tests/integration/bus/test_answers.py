"""Answers of workers to those who wait, over a real RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator

import pytest

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


class Heard:
    """An answer sink that keeps what it hears, and `None` for the loss of the channel."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[str, PassiveAnswer] | None] = asyncio.Queue()

    def answered(self, correlation_id: str, answer: PassiveAnswer) -> None:
        """Keep it."""
        self.queue.put_nowait((correlation_id, answer))

    def lost(self) -> None:
        """Keep that."""
        self.queue.put_nowait(None)


@pytest.fixture
def heard() -> Heard:
    """What the one who waits hears."""
    return Heard()


@pytest.fixture
async def asking(through_proxy: tuple[Proxy, str], topology: Topology, heard: Heard) -> AsyncIterator[Publisher]:
    """The publisher of the one who waits, behind a proxy."""
    _, url = through_proxy
    async with Publisher.open(url, topology, name="asking", answers=heard) as publisher:
        yield publisher


async def asked(asking: Publisher, consuming: Consuming, correlation_id: str) -> Envelope:
    """Publish a callback whose answer is awaited; return it as the worker gets it."""
    sink = CollectingSink()
    await asking.publish(an_envelope(reply_to=REPLY_TO, correlation_id=correlation_id, expiration=4.5), budget=10)
    async with consuming(sink):
        [delivery] = await sink.until_delivered(1)
        await delivery.ack()
    return delivery.envelope()


async def test_an_answer_comes_to_the_one_who_asked(
    asking: Publisher, publisher: Publisher, consuming: Consuming, heard: Heard
) -> None:
    """By direct reply-to: RabbitMQ puts the channel's own name in, and the answer has the correlation id."""
    envelope = await asked(asking, consuming, "c1")
    assert envelope.reply_to is not None
    assert envelope.reply_to.startswith(f"{REPLY_TO}.")
    await publisher.answer(envelope, ANSWER, budget=10)
    assert await heard.queue.get() == ("c1", ANSWER)


async def test_an_answer_to_one_who_is_gone_is_nobodys_loss(
    through_proxy: tuple[Proxy, str], asking: Publisher, publisher: Publisher, consuming: Consuming, heard: Heard
) -> None:
    """The one who waited learns of the lost channel; the worker's answer vanishes, and its next ones do not."""
    proxy, _ = through_proxy
    envelope = await asked(asking, consuming, "c1")
    await proxy.refuse()
    assert await heard.queue.get() is None
    await publisher.answer(envelope, ANSWER, budget=10)

    await proxy.listen()
    envelope = await asked(asking, consuming, "c2")
    await publisher.answer(envelope, ANSWER, budget=10)
    assert await heard.queue.get() == ("c2", ANSWER)


async def test_what_is_no_answer_is_ignored(
    asking: Publisher, publisher: Publisher, consuming: Consuming, heard: Heard
) -> None:
    """Whoever knows the channel's name may write to it: it takes what a worker writes, and goes on."""
    envelope = await asked(asking, consuming, "c1")
    for body in (b"", b"[]", b'{"document": 5, "reply_id": ""}', b'{"document": null, "reply_id": 5}'):
        await publisher._send("", envelope.reply_to or "", f"m{body!r}", b"\0\0", body, 10, mandatory=False)
    await publisher.answer(envelope, ANSWER, budget=10)
    assert await heard.queue.get() == ("c1", ANSWER)


async def test_nobody_is_answered_who_did_not_ask(publisher: Publisher) -> None:
    """That is a slip of the caller and shows as one."""
    with pytest.raises(ValueError, match="no reply_to"):
        await publisher.answer(an_envelope(), ANSWER, budget=10)
