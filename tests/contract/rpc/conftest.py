"""One service behind two transports."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry

from tests.support.proxy import Proxy, proxied
from tests.support.rpc import Echo, Keys, new_keys
from wxbus.bus.topology import Topology
from wxbus.rpc import Client, Server
from wxbus.rpc.auth.keys import ApiKeys
from wxbus.rpc.codec.serialization import Serializer
from wxbus.rpc.service.access import ApiKeyAccess
from wxbus.rpc.transports.amqp import AmqpServer
from wxbus.rpc.transports.http import build_http
from wxbus.runtime.admin import listening
from wxbus_local.servers.ports import free_port


@dataclass
class Line:
    """A service behind a proxy that can cut the connection."""

    echo: Echo
    keys: Keys
    url: str
    """For the client."""
    proxy: Proxy
    topology: Topology
    serve: Callable[[], AbstractAsyncContextManager[None]]
    """Serves while its block runs; may be entered again."""

    def client(self, key: str = "", *, serializer: Serializer | None = None) -> AbstractAsyncContextManager[Client]:
        """Open a client."""
        return Client.open(self.url, key or self.keys.full, timeout=20.0, topology=self.topology, serializer=serializer)


@pytest.fixture
def keys() -> Keys:
    """Three callers."""
    return new_keys()


@pytest.fixture
def server(keys: Keys) -> tuple[Echo, Server]:
    """The service, not served yet."""
    echo = Echo()
    return echo, Server([echo], access=ApiKeyAccess(ApiKeys.of(keys.entries)), registry=CollectorRegistry())


@pytest.fixture
async def http_line(server: tuple[Echo, Server], keys: Keys, namespace: str) -> AsyncIterator[Line]:
    """Over HTTP."""
    echo, declared = server
    port = free_port()

    @asynccontextmanager
    async def serve() -> AsyncIterator[None]:
        async with listening(build_http(declared), host="127.0.0.1", port=port):
            yield

    async with proxied(f"http://127.0.0.1:{port}") as (proxy, url):
        yield Line(echo, keys, url, proxy, Topology(namespace), serve)


@pytest.fixture
async def amqp_line(server: tuple[Echo, Server], keys: Keys, amqp_url: str, topology: Topology) -> AsyncIterator[Line]:
    """Over RabbitMQ; the proxy is between client and RabbitMQ."""
    echo, declared = server

    @asynccontextmanager
    async def serve() -> AsyncIterator[None]:
        async with AmqpServer.open(declared, amqp_url, topology, name="test") as end:
            await end.ready()
            yield

    async with proxied(amqp_url) as (proxy, url):
        yield Line(echo, keys, url, proxy, topology, serve)


@pytest.fixture(params=["http_line", pytest.param("amqp_line", marks=pytest.mark.integration)])
def line(request: pytest.FixtureRequest) -> Line:
    """Both transports have the same contract."""
    made: Line = request.getfixturevalue(request.param)
    return made
