"""The AMQP server: requests from the queue `{namespace}.rpc.{service}` of each service, answers to `reply_to`.

A request is published to that queue through the default exchange:

    type               the method's name
    content_type       of the body, as for HTTP
    content_encoding   `gzip` or none
    correlation_id     returned with the answer
    reply_to           `amq.rabbitmq.reply-to`, or a queue named by RabbitMQ (`amq.gen-...`)
    expiration         milliseconds that the caller waits; then the call is cancelled
    headers            `authorization`: `Bearer KEY`; `accept`, `accept_encoding` and `traceparent` as for HTTP,
                       optional

The answer has `content_type`, `content_encoding`, `correlation_id` and the header `status` with an HTTP status; errors
are problem documents.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog
from aio_pika.abc import AbstractConnection
from aiormq import Channel
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from wxbus.bus.amqp.connection import BrokerCall, open_channel
from wxbus.bus.amqp.declare import declare_queue
from wxbus.bus.amqp.session import Session
from wxbus.bus.topology import RPC_LONGEST, Topology
from wxbus.errors import BrokerUnavailable, RpcFailure
from wxbus.rpc.auth.keys import bearer_credentials
from wxbus.rpc.codec.compression import compress, decompress
from wxbus.rpc.service.call import Answer, Call
from wxbus.rpc.service.server import Server
from wxbus.rpc.service.stages import problem_answer
from wxbus.rpc.transports.http import BODY_LIMIT

IN_FLIGHT: Final = 256
"""Concurrent requests of one service in one process."""
GRACE: Final = 5.0
"""Seconds for running calls when the server stops."""
TRANSIENT: Final = 1

log = structlog.stdlib.get_logger("wxbus.rpc")


class AmqpServer:
    """Serves the calls to a server's services over RabbitMQ."""

    def __init__(
        self, server: Server, url: str, topology: Topology, *, name: str, in_flight: int, body_limit: int
    ) -> None:
        """Use `open`."""
        self._session = Session(url, self._set_up, name=name)
        self._server = server
        self._topology = topology
        self._in_flight = in_flight
        self._body_limit = body_limit
        self._consumers: list[str] = []
        self._calls: set[asyncio.Task[None]] = set()
        self._stopping = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        server: Server,
        url: str,
        topology: Topology,
        *,
        name: str,
        in_flight: int = IN_FLIGHT,
        body_limit: int = BODY_LIMIT,
    ) -> AsyncIterator["AmqpServer"]:
        """Serve while the block runs, then finish running calls; RabbitMQ may start later.

        Raises:
            ConfigurationError: `url` is not an AMQP address.
        """
        transport = cls(server, url, topology, name=f"{name}:rpc-server", in_flight=in_flight, body_limit=body_limit)
        async with transport._session.running():
            try:
                yield transport
            finally:
                await transport._finish()

    async def ready(self) -> None:
        """Return as soon as calls can arrive."""
        await self._session.ready()

    @asynccontextmanager
    async def _set_up(self, connection: AbstractConnection) -> AsyncIterator[Channel]:
        """Consume the requests of every service; calls that run when the connection ends finish without a caller."""
        for service in sorted(self._server.services):
            await declare_queue(connection, self._topology.rpc_queue(service))
        try:
            with BrokerCall("consuming requests"):
                channel = await open_channel(connection, on_lost=self._session.end)
                await channel.basic_qos(prefetch_count=self._in_flight)
                for service in sorted(self._server.services):
                    if not self._stopping:
                        await self._consume(channel, service)
            yield channel
        finally:
            self._consumers.clear()

    async def _consume(self, channel: Channel, service: str) -> None:
        async def take(message: DeliveredMessage) -> None:
            # aiormq cancels its callback tasks when the channel is lost, but a running call must finish.
            task = asyncio.create_task(self._serve(service, message, channel))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)

        consumed = await channel.basic_consume(self._topology.rpc_queue(service).name, take)
        self._consumers.append(consumed.consumer_tag or "")

    async def _serve(self, service: str, message: DeliveredMessage, channel: Channel) -> None:
        properties = message.header.properties
        answer = None
        # Clients cannot declare names like this, so no caller can direct an answer into another's queue.
        if (properties.reply_to or "").startswith("amq."):
            answer = await self._answer(service, message)
        else:
            log.warning("rpc.unanswerable", service_name=service)
        with suppress(BrokerUnavailable), BrokerCall("answering"):
            if answer is not None:
                accepted = (properties.headers or {}).get("accept_encoding")
                body, encoding = compress(answer.body, accepted if isinstance(accepted, str) else None)
                await channel.basic_publish(
                    body,
                    routing_key=properties.reply_to or "",
                    properties=Basic.Properties(
                        message_type="answer",
                        correlation_id=properties.correlation_id,
                        content_type=answer.content_type,
                        content_encoding=encoding,
                        delivery_mode=TRANSIENT,
                        headers={"status": answer.status},
                    ),
                    mandatory=False,  # delivered replies are returned too (RabbitMQ and Redis reference 6)
                    wait=False,
                )
            await channel.basic_ack(message.delivery_tag or 0, wait=False)

    async def _answer(self, service: str, message: DeliveredMessage) -> Answer:
        if message.redelivered:
            # As with a lost HTTP connection, only the caller knows whether the call may run twice.
            detail = "an instance ended during this call, which may or may not have run"
            return problem_answer(RpcFailure(503, "Interrupted", detail=detail, retry_after=0.0))
        properties = message.header.properties

        async def read() -> bytes:
            return decompress(message.body, properties.content_encoding, limit=self._body_limit)

        headers = properties.headers or {}
        accept, traceparent = headers.get("accept"), headers.get("traceparent")

        call = Call(
            service=service,
            name=properties.message_type or "",
            content_type=(properties.content_type or "").partition(";")[0].strip().lower(),
            credentials=bearer_credentials(headers.get("authorization")),
            read=read,
            accept=accept if isinstance(accept, str) else None,
            timeout=_seconds(properties.expiration),
            traceparent=traceparent if isinstance(traceparent, str) else "",
        )
        return await self._server.answer(call)

    async def _finish(self) -> None:
        self._stopping = True
        with suppress(BrokerUnavailable), BrokerCall("ending the consumers"):
            channel = self._session.current()
            async with asyncio.timeout(GRACE):
                for tag in self._consumers:
                    await channel.basic_cancel(tag)
        if self._calls:
            _, late = await asyncio.wait(self._calls, timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _seconds(expiration: str | None) -> float:
    """Return the seconds that the caller still waits: the time in the queue is not subtracted."""
    if expiration is not None and expiration.isascii() and expiration.isdigit():
        return min(int(expiration) / 1000, RPC_LONGEST)
    return RPC_LONGEST
