"""A whole gateway in this process: sandbox, token service, Redis and a database, and a client of its port."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from tests.support.stores import REDIS_TIMEOUT
from tests.support.token_service import Place, placed, service
from wxbus.bus.topology import Topology
from wxbus.config.settings import BusSettings
from wxbus.rpc.auth.keys import new_key
from wxbus.store.keyring import new_encryption_key
from wxbus_gateway.app import serving
from wxbus_gateway.services.application import Application
from wxbus_gateway.settings import GatewaySettings

OPENID = "oUser0000000000000000000001"


@dataclass
class Response:
    """A response of the gateway."""

    status: int
    headers: Mapping[str, str]
    body: Any
    """The JSON body."""

    @property
    def session(self) -> dict[str, Any]:
        """The session state."""
        state: dict[str, Any] = self.body["session"]
        return state


@dataclass
class Visitor:
    """A Mini Program on a phone, which keeps the token of its session."""

    http: aiohttp.ClientSession
    url: str
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, path: str, body: object = None, **headers: str) -> Response:
        """Make a call; the token of its answer is kept for the next one."""
        sent = {**self.headers, **headers}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        async with self.http.post(f"{self.url}/{path}", json={} if body is None else body, headers=sent) as response:
            found = Response(response.status, response.headers, await response.json(content_type=None))
        state = found.body.get("session") if isinstance(found.body, dict) else None
        if state:
            self.token = state["token"]
        return found


@dataclass
class Gateways:
    """A token service with a sandbox, and gateways before it."""

    place: Place
    settings: GatewaySettings
    http: aiohttp.ClientSession

    @asynccontextmanager
    async def running(
        self, application: Application | None = None, *, registry: CollectorRegistry | None = None, **changes: object
    ) -> AsyncIterator[Callable[[], Visitor]]:
        """Run one gateway; yields what makes a new visitor."""
        settings = self.settings.model_copy(update=changes)
        async with serving(
            settings,
            application or Application(),
            registry=registry or CollectorRegistry(),
            answer_timeout=REDIS_TIMEOUT,
        ) as addresses:
            yield lambda: Visitor(self.http, f"http://127.0.0.1:{addresses.port}")

    async def log_in(self, visitor: Visitor, *, openid: str = OPENID, account: str = "cafe") -> Response:
        """Log a visitor in."""
        code = await self.place.sandbox.js_code(account, openid=openid)
        return await visitor.call(f"{account}/login", {"code": code})


@asynccontextmanager
async def gateways(
    tmp_path: Path,
    redis_url: str,
    amqp_url: str,
    topology: Topology,
    *,
    more: str = "",
    gateway_url: str | None = None,
) -> AsyncIterator[Gateways]:
    """Yield gateways of the accounts of `tests.support.token_service`, with a token service that runs.

    With `gateway_url` the page of the sandbox knows that a gateway will be there.
    """
    async with placed(tmp_path, redis_url, topology.namespace, more=more, gateway_url=gateway_url) as place:
        key, entry = new_key("gateway", ["login:exchange:*", "token:get:*", "token:report_invalid:*"])
        with (tmp_path / "keys.toml").open("a") as file:
            file.write(f"\n\n{entry.as_toml()}")
        async with service(place.settings) as url, aiohttp.ClientSession() as http:
            settings = GatewaySettings(
                port=0,
                admin_port=0,
                database_url=SecretStr(f"sqlite:///{tmp_path}/gateway.db"),
                encryption_keys=SecretStr(new_encryption_key("k1")),
                token_url=url,
                token_api_key=SecretStr(key),
                drain=0.0,
                bus=BusSettings(
                    amqp_url=SecretStr(amqp_url), namespace=topology.namespace, partitions=topology.partitions
                ),
                store=place.settings.store,
                accounts=place.settings.accounts,
                wechat=place.settings.wechat,
            )
            yield Gateways(place, settings, http)
