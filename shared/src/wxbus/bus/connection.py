"""Connections to RabbitMQ, and the one place where its client's errors become ours.

Below stands aiormq, the layer that carries aio-pika: the publisher and the consumer need a channel and its frames, not
the message objects and the partial restore on top of them (RabbitMQ and Redis reference 3.7).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType

import aiormq
from aiormq.abc import AbstractConnection
from aiormq.exceptions import AMQPError, ChannelInvalidStateError, DeliveryError, InvalidFrameError, PublishError
from pamqp.exceptions import PAMQPException
from yarl import URL

from wxbus.aio.cancellation import Cancellation
from wxbus.errors import TRANSPORT_CLOSED, BrokerUnavailable, ConfigurationError

HEARTBEAT = 10
"""Seconds. A connection that is silent for about three of these is closed (RabbitMQ and Redis reference 5)."""
CONNECT_TIMEOUT = 5.0
CLOSE_TIMEOUT = 2.0

BROKER_ERRORS = (
    AMQPError,
    ChannelInvalidStateError,  # a RuntimeError, outside aiormq's own branch
    PAMQPException,
    StopAsyncIteration,  # the connection ended in the middle of the handshake; out of a generator it is a RuntimeError
    *TRANSPORT_CLOSED,
)


class BrokerCall:
    """A block in which whatever the broker's client raises becomes `BrokerUnavailable`.

    That includes a `CancelledError` though nobody cancelled: a connection declared stuck fails what is in flight
    that way. A real cancellation passes through, and is raised again at the end of the block if the client swallowed
    it (`wxbus.aio.cancellation`).
    """

    __slots__ = ("_cancellation", "_doing")

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        self._cancellation = Cancellation()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, _trace: TracebackType | None
    ) -> None:
        cancelled = self._cancellation.came
        if exc is None or isinstance(exc, Exception):
            if cancelled:
                raise asyncio.CancelledError from exc
            if exc is None:
                return
        if isinstance(exc, asyncio.CancelledError):
            if cancelled:
                return
            raise BrokerUnavailable(f"{self._doing}: the connection was stuck and given up") from exc
        # A connection that ends without an error fails what is in flight with a bare `Exception`.
        if isinstance(exc, BROKER_ERRORS) or kind is Exception:
            raise BrokerUnavailable(f"{self._doing}: {_reason(exc)}") from exc


def _reason(exc: BaseException) -> str:
    if isinstance(exc, PublishError):
        return "no queue is bound for it"
    if isinstance(exc, DeliveryError):
        return "RabbitMQ refused it, the queue may be full"
    if isinstance(exc, InvalidFrameError):  # `connection.close` in place of `connection.open-ok`, its text is lost
        return "RabbitMQ refused it; is the virtual host, the end of the address, right?"
    if isinstance(exc, StopAsyncIteration):
        return "the connection was closed"
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    return str(exc) or type(exc).__name__


def address(url: str, *, name: str) -> URL:
    """Return the address to connect to, with our heartbeat and the connection's name in RabbitMQ's lists.

    Raises:
        ConfigurationError: It is no AMQP address; the text does not repeat it, for it holds a password.
    """
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in {"amqp", "amqps"} or not parsed.host:
        raise ConfigurationError("the RabbitMQ address must look like amqp://user:password@host:port/vhost")
    return parsed.with_query({"heartbeat": str(HEARTBEAT), **parsed.query, "name": name})


@asynccontextmanager
async def connected(url: URL) -> AsyncIterator[AbstractConnection]:
    """Yield a plain connection: what is lost stays lost, the caller starts over.

    Raises:
        BrokerUnavailable: No connection within CONNECT_TIMEOUT, or it was lost in an operation of the block.
    """
    with BrokerCall("connecting to RabbitMQ"):
        async with asyncio.timeout(CONNECT_TIMEOUT):
            connection = await aiormq.connect(url)
    try:
        with BrokerCall("talking to RabbitMQ"):
            yield connection
    finally:
        with BrokerCall("closing the connection"):
            await _closed(connection)


async def _closed(connection: AbstractConnection) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await connection.close()
    except TimeoutError:
        # The peer does not answer; nothing of ours hangs on the goodbye.
        return
