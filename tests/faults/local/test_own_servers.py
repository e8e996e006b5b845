"""Servers that tests start can be killed, frozen and restarted, and leave no process behind."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis

from tests.conftest import quiet, running
from wxbus.bus.management import Management
from wxbus.errors import BrokerUnavailable
from wxbus_local.processes.tree import processes_of, wait_ended
from wxbus_local.servers.launcher import RABBITMQ, REDIS, Launcher, ServerKind
from wxbus_local.servers.private import PrivateServer
from wxbus_local.servers.server import Server

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

TIMEOUT = 60.0
"""Seconds in which a running server answers, on a busy machine."""
KINDS = pytest.mark.parametrize("kind", [RABBITMQ, REDIS], ids=lambda kind: kind.name)


@pytest.fixture(scope="module")
def redis(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a Redis for all tests."""
    server = quiet(launcher).launch(REDIS, tmp_path_factory.mktemp("redis"))
    yield server
    server.discard()


@pytest.fixture
def server(spare_rabbitmq: Server, redis: Server, kind: ServerKind) -> Server:
    """Return the server of the test's kind, running."""
    if kind is RABBITMQ:
        return running(spare_rabbitmq)
    if not redis.alive():
        redis.start()
    return redis


@KINDS
def test_a_restart_after_a_crash_keeps_the_address(server: Server, kind: ServerKind) -> None:
    """After kill -9 the server does not answer; after a restart it answers at the same address."""
    url = server.url

    server.kill()
    assert kind.probe(url) is not None
    server.start()

    assert server.url == url
    assert kind.probe(url, timeout=TIMEOUT) is None


@KINDS
def test_a_frozen_server_does_not_answer(server: Server, kind: ServerKind) -> None:
    """A frozen server accepts connections but does not answer, like a host that hangs."""
    server.freeze()
    assert kind.probe(server.url, timeout=1.0) is not None
    server.thaw()

    assert kind.probe(server.url, timeout=TIMEOUT) is None


@pytest.mark.parametrize("kind", [RABBITMQ], ids=["RabbitMQ"])
async def test_the_management_api_accepts_the_credentials_of_the_address(server: Server) -> None:
    """The user and password of the AMQP address work at the management API, with which workers close connections."""
    assert server.management_url
    async with Management.open(server.management_url, amqp_url=server.url) as management:
        while True:  # it listens a little later than the broker
            try:
                assert await management.close_connections("no-connection", reason="test") == 0
            except BrokerUnavailable:
                await asyncio.sleep(0.1)
            else:
                break


@pytest.mark.parametrize("kind", [REDIS], ids=["Redis"])
def test_redis_keeps_acknowledged_data_through_kill_9(server: Server) -> None:
    """Redis runs with AOF, on which durability tests rely, and without eviction."""
    with Redis.from_url(server.url) as client:
        client.set("kept", "yes")
        server.kill()
        server.start()

        assert client.get("kept") == b"yes"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


@KINDS
def test_stop_ends_all_processes(launcher: Launcher, server: Server) -> None:
    """No process of the server outlives `stop`, Erlang's port mapper included."""
    if not isinstance(server, PrivateServer):
        pytest.skip("the server runs in a container")
    processes = [process for process in processes_of(launcher.run.id) if belongs_to(process, server.folder)]
    assert processes

    server.stop()

    assert wait_ended(processes, timeout=30) == []


def belongs_to(process: psutil.Process, folder: Path) -> bool:
    """Return whether the process belongs to the server with this folder: the run has other processes, too."""
    try:
        return str(folder) in f"{process.environ()} {process.cmdline()}"
    except psutil.NoSuchProcess:
        return False
