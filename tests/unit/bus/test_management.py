"""The client of RabbitMQ's management API."""

from base64 import b64decode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from wxbus.bus.management import Management
from wxbus.errors import BrokerUnavailable, ConfigurationError

NAME = "127.0.0.1:1 -> 127.0.0.1:5672"


class Broker:
    """The used part of RabbitMQ's management API."""

    def __init__(self) -> None:
        self.connections = {NAME: "worker:consume", "b:2 -> c:3": "worker:publish", "d:4 -> c:3": None}
        self.closed: list[str] = []
        self.status = 204
        self.users: set[str] = set()

    def app(self) -> web.Application:
        """Return its API."""
        app = web.Application()
        app.add_routes([web.get("/api/connections", self._list), web.delete("/api/connections/{name}", self._close)])
        return app

    async def _list(self, request: web.Request) -> web.Response:
        self.users.add(b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode())
        assert request.query["columns"] == "name,user_provided_name"
        given = {name: {"user_provided_name": name_of} if name_of else {} for name, name_of in self.connections.items()}
        return web.json_response([{"name": name, **more} for name, more in given.items()])

    async def _close(self, request: web.Request) -> web.Response:
        self.closed.append(request.match_info["name"])
        return web.Response(status=self.status)


async def test_connections_are_closed_by_their_client_provided_name() -> None:
    """No other connection is closed; one that is closed already is not an error."""
    broker = Broker()
    async with (
        TestServer(broker.app()) as server,
        Management.open(str(server.make_url("/")), amqp_url="amqp://me:secret@host/", timeout=60.0) as management,
    ):
        assert await management.close_connections("worker:consume", reason="frozen") == 1
        broker.status = 404
        assert await management.close_connections("worker:consume", reason="frozen") == 1
        assert await management.close_connections("other:consume", reason="frozen") == 0
    assert broker.closed == [NAME, NAME]
    assert broker.users == {"me:secret"}


async def test_a_refusal_raises_broker_unavailable() -> None:
    """The error does not contain the password."""
    broker = Broker()
    broker.status = 401
    async with TestServer(broker.app()) as server:
        url = str(server.make_url("/").with_user("a").with_password("hidden"))
        async with Management.open(url, amqp_url="amqp://me:secret@host/", timeout=60.0) as management:
            with pytest.raises(BrokerUnavailable, match="401") as refused:
                await management.close_connections("worker:consume", reason="frozen")
            await server.close()
            with pytest.raises(BrokerUnavailable, match="ClientConnectorError"):
                await management.close_connections("worker:consume", reason="frozen")
    assert "hidden" not in str(refused.value)
    assert broker.users == {"a:hidden"}


@pytest.mark.parametrize("url", ["host:15672", "amqp://u:hidden@host", "http://", ""])
async def test_a_wrong_address_is_a_configuration_error(url: str) -> None:
    """The error names the setting and does not contain the address, which may hold a password."""
    with pytest.raises(ConfigurationError, match="WXBUS_AMQP_MANAGEMENT_URL") as refused:
        async with Management.open(url, amqp_url="amqp://host/"):
            pass
    assert "hidden" not in str(refused.value)
