"""Authorised calls of the gateway beside a bare aiohttp handler, and its sockets beside a bare echo."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from tests.benchmarks.arms import alternating, stand_in
from tests.benchmarks.load import apply, request
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result
from tests.support.processes import Service
from tests.support.stores import open_store
from wxbus.store.keyring import Keyring, new_encryption_key
from wxbus_gateway.sessions.session import Lifetime
from wxbus_gateway.sessions.store import SessionStore
from wxbus_gateway.users.model import MiniProgramUser
from wxbus_local.servers.ports import free_port

APPID = "wxbenchmini000000"
ACCOUNTS = f"""
[accounts.mini]
appid = "{APPID}"
kind = "mini_program"
secret = "0123456789abcdef0123456789abcdef"
"""
ROUNDS, CALLS, CONNECTIONS = 5, 3_000, 16
SOCKETS, FRAMES = 20, 50
LIFETIME = Lifetime(idle=86_400, total=864_000, renew_after=43_200)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that runs, a worker behind it, and sessions."""

    service: Service
    port: int
    sessions: SessionStore

    async def token(self, number: int) -> str:
        """Return the token of a new session of a user."""
        moment = datetime.now(UTC)
        user = MiniProgramUser(number, APPID, f"oBench{number:06}", None, None, None, None, moment, moment)
        return (await self.sessions.start("mini", user)).token


async def measure(places: Places) -> list[Result]:
    """Return CPU of calls and of messages on sockets."""
    bare_port = free_port()
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(running(places))
        bare = await stack.enter_async_context(
            places.serving("tests.benchmarks.peers.bare", str(bare_port), port=bare_port)
        )
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        headers = ["Content-Type: application/json", f"Authorization: Bearer {await gateway.token(1)}"]
        call = request("/mini/orders/create", json.dumps({"item": "tea", "count": 2}).encode(), headers=headers)
        tokens = [await gateway.token(number) for number in range(SOCKETS)]

        async def calls(side: tuple[Service, int], _number: int) -> float:
            service, port = side
            before = service.cpu_seconds()
            outcome = await apply(port, [call] * CALLS, connections=CONNECTIONS)
            if outcome.wrong:
                raise RuntimeError(f"{outcome.wrong} of {CALLS} calls were refused: {outcome.statuses}")
            return (service.cpu_seconds() - before) / CALLS * 1e6

        async def frames(side: tuple[Service, int], number: int) -> float:
            service, port = side
            before = service.cpu_seconds()
            async with asyncio.TaskGroup() as group:
                for token in tokens:
                    group.create_task(_talk(http, port, token, f"{number}"))
            return (service.cpu_seconds() - before) / (SOCKETS * FRAMES) * 1e6

        sides = (gateway.service, gateway.port), (bare, bare_port)
        await alternating(sides, 0, calls)
        of_calls = [await alternating(sides, number, calls) for number in range(ROUNDS)]
        of_frames = [await alternating(sides, number, frames) for number in range(ROUNDS)]
    return [
        Result.of("gateway/cpu-us", "us/call", [ours for ours, _ in of_calls]),
        Result.of("gateway/bare-cpu-us", "us/call", [theirs for _, theirs in of_calls]),
        Result.of("gateway/http-vs-bare", "ratio", [ours / theirs for ours, theirs in of_calls]),
        Result.of("gateway/socket-cpu-us", "us/message", [ours for ours, _ in of_frames]),
        Result.of("gateway/echo-cpu-us", "us/message", [theirs for _, theirs in of_frames]),
    ]


async def _talk(http: aiohttp.ClientSession, port: int, token: str, name: str) -> None:
    """Send messages one after another; the gateway acknowledges each, the bare server sends it back."""
    headers = {"Authorization": f"Bearer {token}"}
    async with http.ws_connect(f"http://127.0.0.1:{port}/mini/socket", headers=headers) as ws:
        for number in range(FRAMES):
            await ws.send_json({"id": f"{name}-{number}", "name": "say", "body": {"number": number}})
            while True:
                frame = await ws.receive_json()
                if "ack" in frame or "id" in frame:
                    break


@asynccontextmanager
async def running(places: Places) -> AsyncIterator[Gateway]:
    """Yield a gateway with a worker behind it."""
    port, key = free_port(), new_encryption_key("bench")
    accounts = places.folder / "mini.toml"
    accounts.write_text(ACCOUNTS, encoding="utf-8")
    async with stand_in(places) as (url, _), open_store(places.redis_url) as store:
        env = {
            **places.environment(),
            "WXBUS_ACCOUNTS_FILE": str(accounts),
            "WXBUS_WECHAT_API_URL": url,
            "WXBUS_GATEWAY_PORT": str(port),
            "WXBUS_GATEWAY_ADMIN_PORT": str(free_port()),
            "WXBUS_GATEWAY_APP": "tests.benchmarks.peers.orders:app",
            "WXBUS_GATEWAY_DATABASE_URL": f"sqlite:///{places.folder}/gateway.db",
            "WXBUS_GATEWAY_ENCRYPTION_KEYS": key,
            "WXBUS_GATEWAY_TOKEN_URL": url,
            "WXBUS_GATEWAY_TOKEN_API_KEY": "bench",
            "WXBUS_GATEWAY_RATE_LIMIT": "1000000",
            "WXBUS_GATEWAY_SOCKETS_PER_USER": "100",
            "WXBUS_WORKER_APP": "tests.benchmarks.handlers:sockets",
            "WXBUS_WORKER_TOKEN_URL": url,
            "WXBUS_WORKER_TOKEN_API_KEY": "bench",
        }
        admin = free_port()
        worker = places.serving("wxbus_worker", port=admin, env={**env, "WXBUS_WORKER_ADMIN_PORT": str(admin)})
        async with worker, places.serving("wxbus_gateway", port=port, env=env) as service:
            sessions = SessionStore(store, Keyring.parse(key), LIFETIME, namespace=places.namespace)
            yield Gateway(service, port, sessions)
