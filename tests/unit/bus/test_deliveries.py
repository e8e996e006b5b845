"""Deliveries in the stream of a connection, and their acknowledgements."""

import asyncio
import random
import ssl
from pathlib import Path
from typing import Any

import pamqp.frame
import pytest
import uvloop
from aiormq.abc import SSLCerts
from aiormq.connection import SSLContextProvider
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat
from yarl import URL

from tests.support.certificates import CertificateAuthority
from tests.support.clock import Clock
from tests.support.envelopes import an_envelope
from wxbus.bus import wire
from wxbus.bus.amqp.delivery_channel import Acknowledgements, DeliveryReader, acknowledgement
from wxbus.bus.amqp.frames import HEARTBEAT_INTERVAL, FrameStream, FrameTransport
from wxbus.bus.received import Received


class Inner(asyncio.Protocol):
    """aiormq's protocol: collects what it gets."""

    def __init__(self) -> None:
        self.data = b""

    def data_received(self, data: bytes) -> None:
        """Collect it."""
        self.data += data


class Transport:
    """A transport that collects what is written."""

    def __init__(self) -> None:
        self.written = b""

    def set_protocol(self, protocol: Any) -> None:
        """Take it."""

    def write(self, data: bytes) -> None:
        """Collect it."""
        self.written += data


def a_stream(clock: Clock | None = None) -> tuple[FrameStream, Inner, Transport]:
    """Return a stream between a transport and aiormq's protocol; its time stands still without a `clock`."""
    inner, transport = Inner(), Transport()
    return FrameStream(transport, inner, clock=clock or Clock()), inner, transport  # type: ignore[arg-type]  # it needs no more


def frames(channel: int, tag: int, body: bytes, *, redelivered: bool = False, part: int = 100) -> list[bytes]:
    """Return the frames of one delivery."""
    deliver = Basic.Deliver(
        consumer_tag=f"ctag{tag}", delivery_tag=tag, redelivered=redelivered, exchange="wxbus.inbox", routing_key="3"
    )
    properties = Basic.Properties(message_id=f"m{tag}", headers={"lane": "wx1:o_1"})
    parts = [body[at : at + part] for at in range(0, len(body), part)]
    all_frames: tuple[pamqp.frame.FrameTypes, ...] = (
        deliver,
        ContentHeader(body_size=len(body), properties=properties),
        *map(ContentBody, parts),
    )
    return [pamqp.frame.marshal(one, channel) for one in all_frames]


def noting(number: int, got: list[tuple[int, int, bool, str | None, bytes]]) -> DeliveryReader:
    """Return a reader of a channel whose consumer notes what it gets."""

    def note(tag: int, redelivered: bool, encoded: bytes, body: bytes) -> None:
        got.append((number, tag, redelivered, Received(encoded, b"").properties.message_id, body))

    return DeliveryReader(note)


async def test_deliveries_are_cut_out_of_the_stream() -> None:
    """Wherever the stream is cut, interleaved with other channels; the other frames go on unchanged."""
    rng = random.Random(1)
    for _ in range(50):
        stream, inner, _transport = a_stream()
        got: list[tuple[int, int, bool, str | None, bytes]] = []

        for channel in (1, 2):
            stream.register(channel, noting(channel, got))
        sent, others, expected = [], b"", []
        for tag in range(1, 30):
            body = rng.randbytes(rng.choice((0, 1, 99, 100, 101, 350)))
            channel, redelivered = rng.choice((1, 2, 3)), rng.random() < 0.5
            delivery = frames(channel, tag, body, redelivered=redelivered)
            sent += delivery
            if channel == 3:
                others += b"".join(delivery)
            else:
                expected.append((channel, tag, redelivered, f"m{tag}", body))
            extra = pamqp.frame.marshal(rng.choice((Heartbeat(), Basic.CancelOk("c"), Basic.Ack(tag))), 0)
            sent.append(extra)
            others += extra
        data = b"".join(sent)
        while data:
            size = rng.choice((1, 3, 8, 40, 500))
            stream.data_received(data[:size])
            data = data[size:]
        assert got == expected
        assert inner.data == others


async def test_methods_of_a_consuming_channel_go_to_aiormq() -> None:
    """For example the answer to its subscription, or its close; an unregistered channel is aiormq's wholly."""
    stream, inner, _ = a_stream()
    stream.register(1, DeliveryReader(lambda *_: None))
    ok = pamqp.frame.marshal(Basic.ConsumeOk(consumer_tag="c"), 1)
    stream.data_received(ok + b"".join(frames(1, 1, b"{}")))
    assert inner.data == ok
    stream.unregister(1)
    late = b"".join(frames(1, 2, b"{}"))
    stream.data_received(late)
    assert inner.data == ok + late


async def test_aiormq_sees_that_the_peer_is_alive() -> None:
    """RabbitMQ sends no heartbeats while it delivers; aiormq would close a connection that seems silent."""
    clock = Clock()
    stream, inner, _ = a_stream(clock)
    stream.register(1, DeliveryReader(lambda *_: None))
    stream.data_received(b"".join(frames(1, 1, b"{}")))
    assert inner.data == b""
    clock.now += HEARTBEAT_INTERVAL + 1
    stream.data_received(b"".join(frames(1, 2, b"{}")))
    stream.data_received(b"".join(frames(1, 3, b"{}")))
    assert inner.data == pamqp.frame.marshal(Heartbeat(), 0)


async def test_acknowledgements_are_frames_of_amqp() -> None:
    """An acknowledgement has the bytes that pamqp writes."""
    for tag, multiple in ((2**40, True), (3, False)):
        assert acknowledgement(7, tag, multiple=multiple) == pamqp.frame.marshal(Basic.Ack(tag, multiple), 7)


async def test_frames_of_one_iteration_are_written_together() -> None:
    """One write to the transport, in the order of the calls."""
    stream, _, transport = a_stream()
    stream.write(b"one", b"two")
    stream.write(b"three")
    assert transport.written == b""
    await asyncio.sleep(0)
    assert transport.written == b"onetwothree"


async def test_acknowledgements_of_one_iteration_are_joined() -> None:
    """`multiple` only where every earlier delivery of the channel is done."""
    written: list[tuple[int, bool]] = []
    acks = Acknowledgements(lambda tag, multiple: written.append((tag, multiple)))
    for turn, expected in (
        ([1, 2, 3], [(3, True)]),
        ([5, 6], [(5, False), (6, False)]),
        ([4], [(4, False)]),
        ([8, 7], [(8, True)]),
        ([12, 9], [(9, False), (12, False)]),
        ([10, 11, 13], [(13, True)]),
    ):
        written.clear()
        for tag in turn:
            acks.add(tag)
        assert not written
        await asyncio.sleep(0)
        assert written == expected, turn


async def test_no_acknowledgement_includes_an_open_delivery() -> None:
    """In any order each delivery is acknowledged exactly once, and not before it is done."""
    rng = random.Random(2)
    for _ in range(100):
        open_tags, done = set(range(1, 40)), set[int]()

        def write(tag: int, multiple: bool, open_tags: set[int] = open_tags, done: set[int] = done) -> None:
            meant = {one for one in open_tags if one == tag or (multiple and one < tag)}
            assert tag in meant, "RabbitMQ closes the channel for an unknown tag"
            assert meant <= done
            open_tags -= meant

        acks = Acknowledgements(write)
        order = list(open_tags)
        rng.shuffle(order)
        for tag in order:
            done.add(tag)
            acks.add(tag)
            if rng.random() < 0.4:
                acks.flush()
        acks.flush()
        assert not open_tags


async def test_a_received_message_survives_its_packing() -> None:
    """With properties and body, and the time since its arrival."""
    envelope = an_envelope(1, reply_to="q", expiration=4.5, received_at=1_700_000_000.25)
    received, age = Received.unpack(Received(wire.encode_properties(envelope), envelope.body).pack(12))
    assert wire.to_envelope(received) == envelope
    assert 12 <= age < 120


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("scheme", ["amqp", "amqps"])
def test_the_stream_works_on_every_transport(scheme: str, loop: Any, tmp_path: Path) -> None:
    """Plain and TLS, with asyncio and uvloop; aiormq's reader learns of the end."""
    pair = CertificateAuthority(tmp_path).issue("CN=rabbitmq", name="server")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.cert, pair.key)
    heartbeat = pamqp.frame.marshal(Heartbeat(), 0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(b"".join((*frames(1, 1, bytes(100_000), part=50_000), heartbeat, *frames(1, 2, b"{}"))))
        assert await reader.readexactly(21) == pamqp.frame.marshal(Basic.Ack(2, multiple=True), 1)
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context if scheme == "amqps" else None)
        port = server.sockets[0].getsockname()[1]
        transport = FrameTransport()
        certificates = SSLCerts(
            cert=None, key=None, capath=None, cafile=str(tmp_path / "ca.pem"), cadata=None, verify=True
        )
        provider = SSLContextProvider(ssl_context=None, ssl_certs=certificates, loop=asyncio.get_running_loop())
        url = URL(f"{scheme}://127.0.0.1:{port}")
        reader, writer = await transport.create(url, ssl_context_provider=provider)
        assert transport.stream
        got: list[tuple[int, int, bool, str | None, bytes]] = []
        transport.stream.register(1, noting(1, got))
        writer.write(b"x")
        await writer.drain()
        assert await reader.readexactly(8) == heartbeat
        while len(got) < 2:  # noqa: ASYNC110 - what comes in the same read is delivered already
            await asyncio.sleep(0.001)
        assert [(tag, len(body)) for _, tag, _, _, body in got] == [(1, 100_000), (2, 2)]
        transport.stream.write(acknowledgement(1, 2, multiple=True))
        rest = await reader.read()
        assert rest.replace(heartbeat, b"") == b"", "a slow stream has more heartbeats"
        writer.close()
        server.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(run(), 20))
