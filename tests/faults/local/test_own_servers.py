"""Servers of our own can be killed, frozen and started again as a fault test wants it, and leave nothing behind."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from wxbus.bus.management import Management
from wxbus.errors import BrokerUnavailable
from wxbus_local import rabbitmq, redis
from wxbus_local.guard import marked, wait_ended
from wxbus_local.private import Server
from wxbus_local.servers import RABBITMQ, REDIS, Kind, Launcher

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

KINDS = pytest.mark.parametrize("kind", [RABBITMQ, REDIS], ids=lambda kind: kind.name)


@pytest.fixture
def launch(launcher: Launcher, tmp_path: Path) -> Iterator[Callable[[Kind], Server]]:
    """Launches servers that are ended afterwards."""
    servers: list[Server] = []

    def launch(kind: Kind) -> Server:
        servers.append(launcher.launch(kind, tmp_path / kind.name))
        return servers[-1]

    yield launch
    for server in servers:
        server.discard()


@KINDS
def test_it_comes_back_at_the_same_address_after_a_crash(launch: Callable[[Kind], Server], kind: Kind) -> None:
    """After kill -9 nothing answers; started again it answers where it was."""
    server = launch(kind)
    url = server.url

    server.kill()
    assert kind.probe(url) is not None
    server.start()

    assert server.url == url
    assert kind.probe(url) is None


@KINDS
def test_a_frozen_one_answers_nothing_until_it_is_thawed(launch: Callable[[Kind], Server], kind: Kind) -> None:
    """Frozen, the port still takes connections, but no answer comes: what a hung host looks like."""
    server = launch(kind)

    server.freeze()
    assert kind.probe(server.url) is not None
    server.thaw()

    assert kind.probe(server.url) is None


async def test_rabbitmq_of_our_own_can_be_managed(launch: Callable[[Kind], Server]) -> None:
    """Its management API takes the user of its address: with it workers cut off a frozen one."""
    server = await asyncio.to_thread(launch, RABBITMQ)
    assert server.management_url
    async with Management.open(server.management_url, amqp_url=server.url) as management:
        while True:  # it may listen a moment later than the broker
            try:
                assert await management.close_connections("nobody", reason="to see whether it answers") == 0
            except BrokerUnavailable:
                await asyncio.sleep(0.1)
            else:
                break


def test_redis_keeps_what_it_acknowledged_through_kill_9(launch: Callable[[Kind], Server]) -> None:
    """Our own Redis runs with AOF, without which no durability test would mean anything, and evicts nothing."""
    server = launch(REDIS)
    with Redis.from_url(server.url) as client:
        client.set("kept", "yes")
        server.kill()
        server.start()

        assert client.get("kept") == b"yes"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


@KINDS
def test_stopped_in_good_order_nothing_is_left_of_it(launcher: Launcher, tmp_path: Path, kind: Kind) -> None:
    """No process of the instance outlives `stop`, Erlang's port mapper included."""
    before = {process.pid for process in marked(launcher.run.id)}
    program = {"RabbitMQ": rabbitmq.program(), "Redis": redis.program()}[kind.name]
    if program is None:
        pytest.skip(f"no {kind.name} program on this machine: the other tests here ran against containers")
    server = kind.private(launcher.run, tmp_path, program)
    server.start()
    own = [process for process in marked(launcher.run.id) if process.pid not in before]
    assert own

    server.stop()

    still_there = wait_ended(own, timeout=10)
    assert still_there == []
