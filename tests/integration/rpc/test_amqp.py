"""The AMQP transport: answers, deadlines, redelivery, malformed messages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from aiormq.abc import AbstractChannel
from pamqp.commands import Basic
from prometheus_client import CollectorRegistry

from tests.support.proxy import proxied
from tests.support.rpc import Echo, Keys, new_keys
from wxbus.bus.amqp.connection import address, connected, open_channel
from wxbus.bus.amqp.declare import declare_queue
from wxbus.bus.topology import Topology
from wxbus.errors import ConfigurationError, RpcFailure, RpcUnavailable
from wxbus.rpc import Client, Server
from wxbus.rpc.auth.keys import ApiKeys
from wxbus.rpc.service.access import ApiKeyAccess
from wxbus.rpc.transports.amqp import AmqpServer

pytestmark = pytest.mark.integration

GOOD = b'{"appid": "wx1"}'
TIMEOUT = 60.0
"""Seconds for a connection or a call on a busy machine."""


@pytest.fixture
def keys() -> Keys:
    """Three callers."""
    return new_keys()


@pytest.fixture
def echo() -> Echo:
    """The service object."""
    return Echo()


@pytest.fixture
async def channel(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    """A raw channel, which can send anything."""
    async with connected(address(amqp_url, name="test"), timeout=TIMEOUT) as connection:
        yield await open_channel(connection, confirms=True)


@asynccontextmanager
async def serving(echo: Echo, keys: Keys, url: str, topology: Topology) -> AsyncIterator[AmqpServer]:
    """Serve over RabbitMQ."""
    server = Server([echo], access=ApiKeyAccess(ApiKeys.of(keys.entries)), registry=CollectorRegistry())
    async with AmqpServer.open(server, url, topology, name="test") as end:
        await end.ready()
        yield end


async def say(client: Client, **more: Any) -> str:
    """Call the service."""
    return (await client.bind(Echo, **more).say(appid="wx1")).text


async def test_no_answer_goes_to_a_named_queue(
    echo: Echo, keys: Keys, amqp_url: str, topology: Topology, channel: AbstractChannel
) -> None:
    """Callers cannot make the service write to a queue of others: such a request is not run."""
    victim = f"{topology.namespace}.victim"
    await channel.queue_declare(victim, exclusive=True)
    async with (
        serving(echo, keys, amqp_url, topology),
        Client.open(amqp_url, keys.full, timeout=TIMEOUT, topology=topology) as client,
    ):
        for reply_to in (victim, None):
            properties = Basic.Properties(
                message_type="say",
                content_type="application/json",
                reply_to=reply_to,
                headers={"authorization": f"Bearer {keys.full}"},
            )
            await channel.basic_publish(GOOD, routing_key=topology.rpc_queue("echo").name, properties=properties)
        assert await say(client) == "wx1"
    assert len(echo.calls) == 1
    assert (await channel.queue_declare(victim, passive=True)).message_count == 0


async def test_answers_to_a_server_named_queue(
    echo: Echo, keys: Keys, amqp_url: str, topology: Topology, channel: AbstractChannel
) -> None:
    """Libraries of other languages declare an exclusive queue that RabbitMQ names."""
    answers: asyncio.Queue[Any] = asyncio.Queue()
    mine = (await channel.queue_declare("", exclusive=True)).queue
    await channel.basic_consume(mine or "", answers.put, no_ack=True)
    async with serving(echo, keys, amqp_url, topology):
        properties = Basic.Properties(
            message_type="say",
            content_type="application/json; charset=utf-8",
            reply_to=mine,
            correlation_id="7",
            headers={"authorization": f"Bearer {keys.full}"},
        )
        await channel.basic_publish(GOOD, routing_key=topology.rpc_queue("echo").name, properties=properties)
        answer = await answers.get()
    assert (answer.body, answer.header.properties.correlation_id) == (b'{"text":"wx1","caller":"full"}', "7")
    assert answer.header.properties.headers == {"status": 200}


async def test_malformed_messages_are_ignored(
    echo: Echo, keys: Keys, amqp_url: str, topology: Topology, channel: AbstractChannel
) -> None:
    """The next call is answered, and no internal error is logged."""
    direct = "amq.rabbitmq.reply-to"
    await channel.basic_consume(direct, _ignore, no_ack=True)
    junk = [
        Basic.Properties(),
        Basic.Properties(reply_to=direct),
        Basic.Properties(reply_to="amq.rabbitmq.reply-to.nobody", message_type="say"),
        Basic.Properties(reply_to=direct, message_type="say", content_type="\U0001f600", content_encoding="rot13"),
        Basic.Properties(reply_to=direct, message_type="say", headers={"authorization": 5}),
        Basic.Properties(reply_to=direct, message_type="x" * 255, headers={"authorization": {"a": [None]}}),
        Basic.Properties(
            reply_to=direct,
            message_type="say",
            content_type="application/json",
            headers={"authorization": f"Bearer {keys.full}"},
        ),
    ]
    with structlog.testing.capture_logs() as logs:
        async with (
            serving(echo, keys, amqp_url, topology),
            Client.open(amqp_url, keys.full, timeout=TIMEOUT, topology=topology) as client,
        ):
            for properties in junk:
                for body in (b"", b"\xff\x00", b"[" * 10_000):
                    queue = topology.rpc_queue("echo").name
                    await channel.basic_publish(body, routing_key=queue, properties=properties)
            assert await say(client) == "wx1"
    statuses = [entry["status"] for entry in logs if entry["event"] == "rpc.call"]
    assert len(statuses) == 3 * (len(junk) - 1) + 1
    assert {status // 100 for status in statuses} == {2, 4}
    losses = [entry["reason"] for entry in logs if entry["event"] == "rabbitmq.disconnected"]
    assert [reason for reason in losses if not reason.startswith("connecting to RabbitMQ")] == []


async def _ignore(_message: object) -> None:
    """Ignore the answers."""


async def test_an_expired_request_is_not_run(
    echo: Echo, keys: Keys, amqp_url: str, topology: Topology, channel: AbstractChannel
) -> None:
    """A request whose caller has given up is not run when the service is up again."""
    async with Client.open(amqp_url, keys.full, timeout=TIMEOUT, topology=topology) as client:
        async with serving(echo, keys, amqp_url, topology):
            assert await say(client) == "wx1"
        with pytest.raises(RpcUnavailable):
            await say(client, timeout=0.5)
        queue = topology.rpc_queue("echo").name
        while (await channel.queue_declare(queue, passive=True)).message_count:  # noqa: ASYNC110 - no event for it
            await asyncio.sleep(0.01)
        async with serving(echo, keys, amqp_url, topology):
            assert await say(client) == "wx1"
    assert len(echo.calls) == 2


async def test_a_method_is_cancelled_at_the_callers_deadline(
    echo: Echo, keys: Keys, amqp_url: str, topology: Topology
) -> None:
    """The deadline is part of the request; the audit log has the call."""
    with structlog.testing.capture_logs() as logs:
        async with (
            serving(echo, keys, amqp_url, topology),
            Client.open(amqp_url, keys.full, timeout=TIMEOUT, topology=topology) as client,
        ):
            assert await say(client) == "wx1"  # it is connected: the next call comes in long before its deadline
            echo.ended.clear()
            echo.gate.clear()
            with pytest.raises(RpcUnavailable):
                await say(client, timeout=3.0)
            await echo.ended.wait()
    assert [entry["status"] for entry in logs if entry["event"] == "rpc.call"] == [200, 504]


async def test_a_call_of_a_crashed_instance_is_not_run_again(
    echo: Echo, keys: Keys, amqp_url: str, topology: Topology
) -> None:
    """RabbitMQ redelivers it to the next instance, which answers 503: the caller knows whether it may run twice."""
    echo.gate.clear()
    async with (
        proxied(amqp_url) as (proxy, cut),
        Client.open(amqp_url, keys.full, timeout=TIMEOUT, topology=topology) as client,
        serving(echo, keys, cut, topology),
    ):
        call = asyncio.create_task(say(client))
        await echo.called.wait()
        proxy.abort()
        with pytest.raises(RpcFailure, match="503 Interrupted"):
            await call
        assert len(echo.calls) == 1
        echo.gate.set()
        assert await say(client, attempts=3) == "wx1"


async def test_a_repeatable_call_survives_a_crash(echo: Echo, keys: Keys, amqp_url: str, topology: Topology) -> None:
    """With a further attempt, a lost connection of the service is no error."""
    echo.gate.clear()
    async with (
        proxied(amqp_url) as (proxy, cut),
        Client.open(amqp_url, keys.full, timeout=TIMEOUT, topology=topology) as client,
        serving(echo, keys, cut, topology),
    ):
        call = asyncio.create_task(say(client, attempts=3))
        await echo.called.wait()
        echo.gate.set()
        proxy.abort()
        assert await call == "wx1"


async def test_a_queue_with_other_settings_is_a_clear_error(
    keys: Keys, amqp_url: str, topology: Topology, channel: AbstractChannel
) -> None:
    """The service names the queue; the caller gets RpcUnavailable."""
    queue = topology.rpc_queue("echo").name
    await channel.queue_declare(queue, durable=True)
    async with connected(address(amqp_url, name="test"), timeout=TIMEOUT) as connection:
        with pytest.raises(ConfigurationError, match=queue):
            await declare_queue(connection, topology.rpc_queue("echo"))
    async with Client.open(amqp_url, keys.full, timeout=TIMEOUT, topology=topology) as client:
        with pytest.raises(RpcUnavailable, match="other settings"):
            await say(client)
    await channel.queue_delete(queue)


async def test_an_invalid_address_is_refused_without_showing_it(keys: Keys) -> None:
    """The error says how an address must look, without the address, which may hold a password."""
    with pytest.raises(ConfigurationError, match="must look like amqp://") as caught:
        async with Client.open("amqp:///secret", keys.full):
            raise AssertionError
    assert "secret" not in str(caught.value)
