"""Servers of our own can be killed, frozen and started again as a fault test wants it, and leave nothing behind."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis

from tests.conftest import quiet
from wxbus.bus.management import Management
from wxbus.errors import BrokerUnavailable
from wxbus_local.processes.tree import processes_of, wait_ended
from wxbus_local.servers import probes
from wxbus_local.servers.launcher import RABBITMQ, REDIS, Kind, Launcher
from wxbus_local.servers.private import Server

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

KINDS = pytest.mark.parametrize("kind", [RABBITMQ, REDIS], ids=lambda kind: kind.need.name, scope="module")


@pytest.fixture(scope="module")
def server(launcher: Launcher, kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One of our own of each kind: each test leaves it running."""
    server = quiet(launcher).launch(kind, tmp_path_factory.mktemp(kind.need.name))
    yield server
    server.discard()


@KINDS
def test_it_comes_back_at_the_same_address_after_a_crash(server: Server, kind: Kind) -> None:
    """After kill -9 nothing answers; started again it answers where it was."""
    url = server.url

    server.kill()
    assert kind.probe(url) is not None
    server.start()

    assert server.url == url
    assert kind.probe(url) is None


@KINDS
def test_a_frozen_one_answers_nothing_until_it_is_thawed(
    server: Server, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen, the port still takes connections, but no answer comes: what a hung host looks like."""
    server.freeze()
    with monkeypatch.context() as impatient:
        impatient.setattr(probes, "TIMEOUT", 1.0)
        assert kind.probe(server.url) is not None
    server.thaw()

    assert kind.probe(server.url) is None


@pytest.mark.parametrize("kind", [RABBITMQ], ids=["RabbitMQ"], scope="module")
async def test_rabbitmq_of_our_own_can_be_managed(server: Server) -> None:
    """Its management API takes the user of its address: with it workers cut off a frozen one."""
    assert server.management_url
    async with Management.open(server.management_url, amqp_url=server.url) as management:
        while True:  # it may listen a moment later than the broker
            try:
                assert await management.close_connections("nobody", reason="to see whether it answers") == 0
            except BrokerUnavailable:
                await asyncio.sleep(0.1)
            else:
                break


@pytest.mark.parametrize("kind", [REDIS], ids=["Redis"], scope="module")
def test_redis_keeps_what_it_acknowledged_through_kill_9(server: Server) -> None:
    """Our own Redis runs with AOF, without which no durability test would mean anything, and evicts nothing."""
    with Redis.from_url(server.url) as client:
        client.set("kept", "yes")
        server.kill()
        server.start()

        assert client.get("kept") == b"yes"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


@KINDS
def test_stopped_in_good_order_nothing_is_left_of_it(launcher: Launcher, tmp_path: Path, kind: Kind) -> None:
    """No process of the instance outlives `stop`, Erlang's port mapper included."""
    program = kind.need.program()
    if program is None:
        pytest.skip(f"no {kind.need.name} program on this machine: the other tests here ran against containers")
    server = kind.private(launcher.run, tmp_path, program)
    server.start()
    own = [process for process in processes_of(launcher.run.id) if is_of(process, tmp_path)]
    assert own

    server.stop()

    still_there = wait_ended(own, timeout=30)
    assert still_there == []


def is_of(process: psutil.Process, folder: Path) -> bool:
    """Whether a server with this folder has made it; others that run beside it make processes, too."""
    try:
        return str(folder) in f"{process.environ()} {process.cmdline()}"
    except psutil.NoSuchProcess:
        return False
