"""Calls over AMQP: concurrent requests to `{namespace}.rpc.{service}`, answers by direct reply-to."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aio_pika.abc import AbstractConnection
from aiormq import Channel
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from wxbus.bus.amqp.connection import BrokerCall, open_channel
from wxbus.bus.amqp.declare import declare_queue
from wxbus.bus.amqp.session import Session
from wxbus.bus.passive_answer import REPLY_TO
from wxbus.bus.topology import Topology
from wxbus.errors import BrokerUnavailable, ConfigurationError, RpcFailure, RpcUnavailable
from wxbus.rpc.codec.compression import GZIP, decompress
from wxbus.rpc.transports.port import ANSWER_LIMIT, Incoming, Outgoing
from wxbus.telemetry import current_traceparent

TRANSIENT: Final = 1
"""Delivery mode: requests and answers are not persistent, callers repeat them."""


class AmqpTransport:
    """Implements `Transport`, with one future per correlation id (RabbitMQ and Redis reference 6)."""

    def __init__(self, url: str, api_key: str, topology: Topology, *, name: str) -> None:
        """Use `open`."""
        self._session = Session(url, self._set_up, name=name)
        self._topology = topology
        self._authorization = f"Bearer {api_key}"
        self._pending: dict[str, asyncio.Future[Incoming | None]] = {}
        self._ids = itertools.count(1)
        self._queues: dict[str, str] = {}
        """Queues declared on the current connection, by service."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, api_key: str, *, topology: Topology, name: str = "wxbus"
    ) -> AsyncIterator["AmqpTransport"]:
        """Yield a transport; RabbitMQ and the service may start later.

        Raises:
            ConfigurationError: `url` is not an AMQP address.
        """
        transport = cls(url, api_key, topology, name=f"{name}:rpc-client")
        async with transport._session.running():
            yield transport

    async def send(self, call: Outgoing, *, timeout: float) -> Incoming:
        """Return the answer, or raise RpcUnavailable; the request expires after `timeout` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        answer: asyncio.Future[Incoming | None] = loop.create_future()
        correlation_id = str(next(self._ids))
        try:
            with BrokerCall(str(call)):
                connection, channel = await self._session.ready()
                if call.service not in self._queues:
                    await self._declare(connection, call.service)
                self._pending[correlation_id] = answer
                await channel.basic_publish(
                    call.body,
                    routing_key=self._queues[call.service],
                    properties=Basic.Properties(
                        message_type=call.method,
                        message_id=correlation_id,
                        correlation_id=correlation_id,
                        reply_to=REPLY_TO,
                        content_type=call.content_type,
                        content_encoding=call.content_encoding,
                        delivery_mode=TRANSIENT,
                        expiration=str(max(0, round((deadline - loop.time()) * 1000))),
                        headers={
                            "authorization": self._authorization,
                            "accept": call.content_type,
                            "accept_encoding": GZIP,
                            "traceparent": current_traceparent(),
                        },
                    ),
                    wait=False,
                )
            incoming = await answer
        except (BrokerUnavailable, ConfigurationError) as exc:
            raise RpcUnavailable(str(exc)) from exc
        finally:
            self._pending.pop(correlation_id, None)
        if incoming is None:
            raise RpcUnavailable(f"{call}: the connection to RabbitMQ was lost")
        return incoming

    @asynccontextmanager
    async def _set_up(self, connection: AbstractConnection) -> AsyncIterator[tuple[AbstractConnection, Channel]]:
        """Consume the answers; direct reply-to needs the channel that publishes the requests."""
        try:
            with BrokerCall("consuming answers"):
                channel = await open_channel(connection, on_lost=self._session.end)
                await channel.basic_consume(REPLY_TO, self._on_answer, no_ack=True)
            yield connection, channel
        finally:
            self._queues.clear()
            for answer in self._pending.values():
                if not answer.done():
                    answer.set_result(None)  # no answer can arrive

    async def _declare(self, connection: AbstractConnection, service: str) -> None:
        # A request may wait for a service that is starting. The declaration has a channel of its own, because a
        # refusal closes the channel.
        queue = self._topology.rpc_queue(service)
        await declare_queue(connection, queue)
        self._queues[service] = queue.name

    async def _on_answer(self, message: DeliveredMessage) -> None:
        properties = message.header.properties
        answer = self._pending.get(properties.correlation_id or "")
        if answer is None or answer.done():
            return  # the caller has timed out
        status = (properties.headers or {}).get("status")
        try:
            body = decompress(message.body, properties.content_encoding, limit=ANSWER_LIMIT)
        except RpcFailure as exc:
            answer.set_exception(RpcFailure(502, "Unreadable answer", detail=exc.detail))
            return
        answer.set_result(Incoming(status if isinstance(status, int) else 502, properties.content_type or "", body))
