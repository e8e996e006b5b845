"""Connections and channels of aio-pika, and the translation of its errors to `BrokerUnavailable`.

Connections are plain, not aio-pika's robust ones (decision 0007, RabbitMQ and Redis reference 3.7).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

import aio_pika
from aio_pika.abc import AbstractConnection
from aiormq import Channel
from aiormq.exceptions import AMQPError, ChannelInvalidStateError, DeliveryError, InvalidFrameError
from pamqp.exceptions import PAMQPException
from yarl import URL

from wxbus.aio.cancellation import ClientCall
from wxbus.bus.amqp.frames import FrameStream, FrameTransport
from wxbus.errors import TRANSPORT_CLOSED, BrokerUnavailable, ConfigurationError

HEARTBEAT = 10
"""Seconds. Both sides close a connection that is silent for about three of these (RabbitMQ and Redis reference 5)."""
CONNECT_TIMEOUT = 5.0
CLOSE_TIMEOUT = 2.0
_FACTORY = "transport_factory"

BROKER_ERRORS = (
    AMQPError,
    ChannelInvalidStateError,  # a RuntimeError, outside aiormq's own branch
    PAMQPException,
    StopAsyncIteration,  # the connection ended during the handshake; a generator would turn it into a RuntimeError
    *TRANSPORT_CLOSED,
)


class BrokerCall(ClientCall):
    """A block that translates all errors of the AMQP client to `BrokerUnavailable`.

    That includes a `CancelledError` although the task was not cancelled: aiormq fails pending calls of a stuck
    connection with it.
    """

    __slots__ = ()

    def translate(self, exc: BaseException) -> Exception | None:
        """Return BrokerUnavailable for each error of the client."""
        if isinstance(exc, asyncio.CancelledError):
            return BrokerUnavailable(f"{self._doing}: the connection was stuck and was closed")
        # A connection that ends without an error fails pending calls with a bare `Exception`.
        if isinstance(exc, BROKER_ERRORS) or type(exc) is Exception:
            return BrokerUnavailable(f"{self._doing}: {_reason(exc)}")
        return None


def _reason(exc: BaseException) -> str:
    if isinstance(exc, DeliveryError):  # for a message that aiormq itself published
        return "RabbitMQ refused it"
    if isinstance(exc, InvalidFrameError):  # `connection.close` instead of `connection.open-ok`; its text is lost
        return "RabbitMQ refused it; check the virtual host at the end of the address"
    if isinstance(exc, StopAsyncIteration):
        return "the connection was closed"
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    return str(exc) or type(exc).__name__


def address(url: str, *, name: str) -> URL:
    """Return the address with the heartbeat, and with the connection's name in RabbitMQ's lists.

    Raises:
        ConfigurationError: It is not an AMQP address; the text does not contain it, because it holds a password.
    """
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in {"amqp", "amqps"} or not parsed.host:
        raise ConfigurationError("the RabbitMQ address must look like amqp://user:password@host:port/vhost")
    return parsed.with_query({"heartbeat": str(HEARTBEAT), **parsed.query, "name": name})


@asynccontextmanager
async def connected(url: URL, *, timeout: float = CONNECT_TIMEOUT) -> AsyncIterator[AbstractConnection]:
    """Yield a connection, which is closed at the end of the block and never restored.

    Raises:
        BrokerUnavailable: No connection within `timeout` seconds, or it was lost during an operation of the block.
    """
    connection = aio_pika.Connection(url)
    connection.kwargs[_FACTORY] = FrameTransport()  # its constructor does not take it
    try:
        with BrokerCall("connecting to RabbitMQ"):
            async with asyncio.timeout(timeout):
                await connection.connect()
        with BrokerCall("talking to RabbitMQ"):
            yield connection
    finally:
        with BrokerCall("closing the connection"):
            await _close(connection)


def stream_of(connection: AbstractConnection) -> FrameStream:
    """Return the frames of a connection that `connected` yields."""
    stream = cast("FrameTransport", cast("aio_pika.Connection", connection).kwargs[_FACTORY]).stream
    if stream is None:
        raise RuntimeError("the connection is not open")
    return stream


async def open_channel(
    connection: AbstractConnection, *, confirms: bool = False, on_lost: Callable[[str], None] | None = None
) -> Channel:
    """Return a new channel of aiormq, the layer below aio-pika: publishing, deliveries and acks are hot paths.

    `on_lost` is called with the reason when the channel is closed, or when RabbitMQ cancels its consumer: a deleted
    queue does that, and leaves the channel open.
    """
    channel = await connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
    underlay = cast("Channel", await channel.get_underlay_channel())
    if on_lost is not None:
        underlay.closing.add_done_callback(lambda _: on_lost("its channel was closed"))
        underlay.on_consumer_cancel_callbacks.add(lambda _: on_lost("RabbitMQ cancelled its consumer"))
    return underlay


async def _close(connection: AbstractConnection) -> None:
    try:
        with suppress(TimeoutError):  # the peer does not answer
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await connection.close()
    finally:
        # A connection that counts as open starts a task when it is garbage collected. Without a transport, this call
        # returns at once.
        await connection.close()
