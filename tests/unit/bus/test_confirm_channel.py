"""Publishing with confirms on a stream of frames, without RabbitMQ."""

import asyncio
import random
from typing import Any

import pamqp.frame
import pytest
from aiormq.exceptions import ChannelPreconditionFailed
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from tests.support.clock import Clock
from wxbus.bus.amqp.confirm_channel import ConfirmChannel, Refused, Unroutable
from wxbus.bus.amqp.frames import FrameStream

LIMIT = 50
"""Bytes of one frame of a body."""


class Underlay:
    """What a `ConfirmChannel` uses of aiormq's channel."""

    number, max_content_size, is_closed = 3, LIMIT, False

    def __init__(self) -> None:
        self.closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Wire(asyncio.Protocol):
    """Transport, and aiormq's protocol: collects what is written, and what is passed on."""

    def __init__(self) -> None:
        self.written, self.passed = b"", b""
        self.underlay = Underlay()
        self.stream = FrameStream(self, self, clock=Clock())  # type: ignore[arg-type]  # it needs no more of a transport
        self.channel = ConfirmChannel(self.underlay, self.stream)  # type: ignore[arg-type]

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Take it."""

    def write(self, data: bytes) -> None:
        """Collect it."""
        self.written += data

    def data_received(self, data: bytes) -> None:
        """Collect it."""
        self.passed += data

    def receive(self, *frames: Any) -> bytes:
        """Let frames of RabbitMQ arrive; return their bytes."""
        data = b"".join(pamqp.frame.marshal(one, 3) for one in frames)
        self.stream.data_received(data)
        return data

    async def publish(self, count: int, *, body: bytes = b"{}", within: float = 20) -> list["asyncio.Task[None]"]:
        """Publish `m1`, `m2` and so on, and return when they are written."""
        by = asyncio.get_running_loop().time() + within
        tasks = []
        for number in range(1, count + 1):
            properties = Basic.Properties(message_id=f"m{number}").marshal()
            publishing = self.channel.publish("inbox", "7", f"m{number}", properties, body, by=by)
            tasks.append(asyncio.create_task(publishing))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return tasks


def returned(message_id: str, body: bytes = b"{}") -> tuple[Any, ...]:
    """Return the frames of a message that no queue gets."""
    properties = Basic.Properties(message_id=message_id, headers={"lane": "wx1:o_1"})
    parts = [ContentBody(body[at : at + LIMIT]) for at in range(0, len(body), LIMIT)]
    return (
        Basic.Return(reply_code=312, reply_text="NO_ROUTE", exchange="inbox", routing_key="7"),
        ContentHeader(body_size=len(body), properties=properties),
        *parts,
    )


@pytest.mark.parametrize("size", [0, 1, LIMIT, LIMIT + 1, 3 * LIMIT])
async def test_a_message_is_frames_of_amqp(size: int) -> None:
    """As pamqp writes them; a body over the limit of a frame has several, an empty one has none."""
    wire, body = Wire(), bytes(range(size))
    [task] = await wire.publish(1, body=body)
    properties = Basic.Properties(message_id="m1")
    expected: list[pamqp.frame.FrameTypes] = [
        Basic.Publish(exchange="inbox", routing_key="7", mandatory=True),
        ContentHeader(body_size=size, properties=properties),
        *(ContentBody(body[at : at + LIMIT]) for at in range(0, size, LIMIT)),
    ]
    assert wire.written == b"".join(pamqp.frame.marshal(one, 3) for one in expected)
    wire.receive(Basic.Ack(1))
    await task


async def test_each_publish_gets_its_own_outcome() -> None:
    """In any order, alone or `multiple`, positive or negative, unroutable, wherever the stream is cut."""
    rng = random.Random(1)
    for _ in range(100):
        wire = Wire()
        tasks = await wire.publish(30)
        wanted: dict[int, type[Exception] | None] = {}
        frames: list[Any] = []
        unsettled = list(range(1, 31))
        while unsettled:
            tag = rng.choice(unsettled)
            settled = [one for one in unsettled if one <= tag] if (multiple := rng.random() < 0.3) else [tag]
            negative = rng.random() < 0.3
            if not multiple and rng.random() < 0.2:
                frames += returned(f"m{tag}", rng.randbytes(rng.choice((0, 2, LIMIT * 2))))
                wanted[tag], negative = Unroutable, False
            frames.append((Basic.Nack if negative else Basic.Ack)(tag, multiple))
            for one in settled:
                wanted.setdefault(one, Refused if negative else None)
            unsettled = [one for one in unsettled if one not in settled]
        data = b"".join(pamqp.frame.marshal(one, 3) for one in frames)
        while data:
            size = rng.choice((1, 5, 21, 100))
            wire.stream.data_received(data[:size])
            data = data[size:]
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in outcomes] == [wanted[tag] or type(None) for tag in range(1, 31)]
        assert wire.passed == b""


async def test_other_frames_of_the_channel_go_to_aiormq() -> None:
    """For example the delivery of a direct reply, and the close of the channel."""
    wire = Wire()
    deliver = Basic.Deliver(consumer_tag="c", delivery_tag=1, exchange="", routing_key="q")
    data = wire.receive(deliver, ContentHeader(body_size=2), ContentBody(b"{}"), Basic.Ack(5), Basic.ConsumeOk("c"))
    ack = pamqp.frame.marshal(Basic.Ack(5), 3)
    assert wire.passed == data.replace(ack, b"")


async def test_a_publish_fails_at_its_time() -> None:
    """A confirm that comes later is ignored, and does not settle another message."""
    wire = Wire()
    [late] = await wire.publish(1, within=0)
    with pytest.raises(TimeoutError):
        await late
    [next_one] = await wire.publish(1)
    wire.receive(Basic.Ack(1))
    await asyncio.sleep(0)
    assert not next_one.done()
    wire.receive(Basic.Ack(2))
    await next_one


async def test_a_cancelled_publish_leaves_nothing() -> None:
    """Its confirm is ignored; later messages get theirs."""
    wire = Wire()
    first, second = await wire.publish(2)
    first.cancel()
    wire.receive(Basic.Ack(2, multiple=True))
    await second
    assert first.cancelled()


async def test_the_end_of_the_channel_fails_all() -> None:
    """With aiormq's reason, or as a lost connection."""
    for reason, expected in ((ChannelPreconditionFailed("x"), ChannelPreconditionFailed), (None, ConnectionResetError)):
        wire = Wire()
        tasks = await wire.publish(3)
        if reason is None:
            wire.underlay.closing.set_result(None)
        else:
            wire.underlay.closing.set_exception(reason)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in outcomes] == [expected] * 3
