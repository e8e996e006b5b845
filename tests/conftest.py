"""Fixtures that every level of tests shares: real servers, and names of one's own on them.

RabbitMQ and Redis are found as `make run` finds them (`wxbus_local.servers`). Without them there is no green: the
session ends with an error that says what to install. The processes of pytest-xdist share them.
"""

import gc
import os
import secrets
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import structlog
from redis.asyncio import Redis

from tests.support.leftovers import delete_keys, delete_queues
from tests.support.programs import PACKAGES, provide
from wxbus.bus.topology import Topology
from wxbus.errors import WxbusError
from wxbus.runtime.gc import collect_less_often, tune_gc
from wxbus_local.processes.run import Run
from wxbus_local.servers.launcher import RABBITMQ, REDIS, Launcher, Servers, open_servers
from wxbus_local.servers.ports import free_port
from wxbus_local.servers.server import Server

OPEN = pytest.StashKey[ExitStack]()
LAUNCHER = pytest.StashKey[Launcher]()
SERVERS = pytest.StashKey[Servers]()

# Programs colour their output for GitHub Actions and where a colour is forced: tests read it without.
COLOURS = ("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "MYPY_FORCE_COLOR", "GITHUB_ACTIONS")
SERVER_ADDRESSES = {"WXBUS_AMQP_URL", "WXBUS_REDIS_URL"}
NEEDY_FIXTURES = {"amqp_url", "redis_url"}
NEEDY_MARKERS = ("integration", "faults", "e2e")


def pytest_configure(config: pytest.Config) -> None:
    """Keep what the session opens in one place, to close it in the right order; log errors as services do."""
    collect_less_often()  # collecting garbage takes a quarter of the collection of tests
    config.stash[OPEN] = ExitStack()
    # What stands there otherwise draws every local variable, which holds the event loop up for seconds.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers."""
    config.stash[OPEN].close()


def pytest_sessionstart() -> None:
    """Give tests, and what they start, an environment without forced colours and without a developer's settings."""
    ours = {name for name in os.environ if name.startswith("WXBUS_")} - SERVER_ADDRESSES
    for name in ours.union(COLOURS):
        os.environ.pop(name, None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Collect no garbage while a failure is formatted.

    A finalizer that logs a traceback parses source, and CPython 3.11 fails if that happens inside another parse:
    "AST constructor recursion depth mismatch" ended whole runs without the names of their failures.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Find programs and servers before the first test that needs them: fetching one may take longer than a test may."""
    tune_gc()
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for mark in item.iter_markers("programs") for name in mark.args}
    provide(sorted(wanted), speaker_of(session.config))
    for item in session.items:
        if NEEDY_FIXTURES & set(getattr(item, "fixturenames", ())) or any(map(item.get_closest_marker, NEEDY_MARKERS)):
            try:
                found(session.config)
            except WxbusError as exc:
                pytest.exit(str(exc), returncode=pytest.ExitCode.USAGE_ERROR)
            return


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """With several processes: find programs and servers once, before the first process starts."""
    provide(sorted(PACKAGES), speaker_of(node.config))
    try:
        node.workerinput["servers"] = asdict(replace(found(node.config), started=()))
    except WxbusError as exc:
        pytest.exit(str(exc), returncode=pytest.ExitCode.USAGE_ERROR)


def launcher_of(config: pytest.Config) -> Launcher:
    """The session's launcher, made when first asked for."""
    if LAUNCHER not in config.stash:
        config.stash[LAUNCHER] = Launcher(config.stash[OPEN].enter_context(Run.open()), speaker_of(config))
    return config.stash[LAUNCHER]


def speaker_of(config: pytest.Config) -> Callable[[str], None]:
    """What takes a line for the person who waits."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return reporter.write_line if reporter else print


def found(config: pytest.Config) -> Servers:
    """The session's servers, found when first asked for."""
    if given := getattr(config, "workerinput", {}).get("servers"):
        return Servers(**given)
    if SERVERS not in config.stash:
        launcher = launcher_of(config)
        # In /tmp and not below pytest's folder: that may have a name too long for a socket.
        data = Path(config.stash[OPEN].enter_context(TemporaryDirectory(prefix="wxbus-", ignore_cleanup_errors=True)))
        config.stash[SERVERS] = config.stash[OPEN].enter_context(open_servers(launcher, data=data))
    return config.stash[SERVERS]


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    """A real RabbitMQ and a real Redis."""
    return found(pytestconfig)


@pytest.fixture(scope="session")
def amqp_url(servers: Servers) -> str:
    """Address of a real RabbitMQ."""
    return servers.amqp_url


@pytest.fixture(scope="session")
def redis_url(servers: Servers) -> str:
    """Address of a real Redis."""
    return servers.redis_url


@pytest.fixture(scope="session")
def launcher(pytestconfig: pytest.Config) -> Launcher:
    """Makes further servers, for tests that hurt them."""
    return launcher_of(pytestconfig)


def quiet(launcher: Launcher) -> Launcher:
    """The launcher, saying nothing between the dots of the tests."""
    return replace(launcher, report=lambda _: None)


@pytest.fixture(scope="session")
def spare_rabbitmq(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A RabbitMQ for the tests of this process that hurt one, each with names of its own: a start takes long."""
    server = quiet(launcher).launch(RABBITMQ, tmp_path_factory.mktemp("rabbitmq"))
    yield server
    server.discard()


@pytest.fixture
def own_rabbitmq(spare_rabbitmq: Server) -> Server:
    """A RabbitMQ that only this test uses now: `await asyncio.to_thread(own_rabbitmq.kill)`."""
    return running(spare_rabbitmq)


def running(rabbitmq: Server) -> Server:
    """Return the RabbitMQ, which answers again if a test has left it frozen or killed."""
    if not rabbitmq.alive() or RABBITMQ.probe(rabbitmq.url) is not None:
        rabbitmq.stop()
        rabbitmq.start()
    return rabbitmq


@pytest.fixture
def managed(servers: Servers, request: pytest.FixtureRequest) -> Servers:
    """Servers with a management API that a test may use but not hurt: the session's, unless it was given others."""
    if servers.management_url is not None:
        return servers
    own: Server = request.getfixturevalue("own_rabbitmq")
    return replace(servers, amqp_url=own.url, management_url=own.management_url, started=())


@pytest.fixture
def own_redis(launcher: Launcher, tmp_path: Path) -> Iterator[Server]:
    """A Redis of this test's own: `await asyncio.to_thread(own_redis.freeze)`."""
    server = quiet(launcher).launch(REDIS, tmp_path / "redis")
    yield server
    server.discard()


@pytest.fixture
def unused_tcp_port() -> int:
    """A port on which nothing listens; an outgoing connection may take that of pytest-asyncio's fixture meanwhile."""
    return free_port()


@pytest.fixture
def namespace() -> str:
    """Names of this test's own on the shared servers."""
    return f"t{secrets.token_hex(6)}"


@pytest.fixture
def partitions() -> int:
    """How many there are; a module of tests may say otherwise."""
    return 4


@pytest.fixture
async def topology(amqp_url: str, namespace: str, partitions: int) -> AsyncIterator[Topology]:
    """A small topology of this test's own, deleted afterwards; not declared yet."""
    topology = Topology(namespace=namespace, partitions=partitions)
    yield topology
    await delete_queues(amqp_url, topology)


@pytest.fixture
async def redis(redis_url: str, namespace: str) -> AsyncIterator["Redis"]:
    """A plain client to look into Redis with; this test's keys (`{namespace}:*`) are deleted afterwards."""
    client = Redis.from_url(redis_url)
    yield client
    await delete_keys(client, namespace)
    await client.aclose()
