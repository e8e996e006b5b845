"""Token calls over HTTP beside the least an aiohttp server can do, over RabbitMQ, and from the client's cache."""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from tests.benchmarks.load import Outcome, apply, apply_at, request
from tests.benchmarks.places import Places
from tests.benchmarks.results import Result
from tests.support.processes import Service
from wxbus.bus.topology import Topology
from wxbus.rpc.auth.keys import new_key
from wxbus.rpc.transports.amqp_client import AmqpTransport
from wxbus.rpc.transports.port import Outgoing
from wxbus.store.keyring import new_encryption_key
from wxbus.tokens import TokenClient
from wxbus_local.servers.ports import free_port

APPID = "wxbench0000000000"
ROUNDS, CALLS, CONNECTIONS = 9, 5_000, 16
HALF_LOADS, HALF_LOAD_SECONDS = 5, 1.0
AMQP_CALLS, IN_FLIGHT = 4_000, 64
CACHED_CALLS = 50_000
MANY = 1_000
"""Accounts of one instance."""
IDLE_SECONDS = 10.0

ACCOUNT = """
[accounts.{name}]
appid = "{appid}"
kind = "official_account"
secret = "0123456789abcdef0123456789abcdef"
"""


async def measure(places: Places) -> list[Result]:
    """Return rates and CPU of `get` from memory by each way there is."""
    key, entry = new_key("bench", ["token:get:*"])
    (places.folder / "keys.toml").write_text(entry.as_toml(), encoding="utf-8")
    port, many_port, bare_port = free_port(), free_port(), free_port()
    call = _call(key, APPID)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        # WeChat's stand-in also answers `/rpc/token/get` with the same JSON, without looking at the request.
        bare = await enter(places.serving("tests.benchmarks.peers.wechat", str(bare_port), port=bare_port))
        env = _environment(places, port, wechat_port=bare_port, appids=[APPID])
        token = await enter(places.serving("wxbus_token", port=port, env=env))
        await _round(token, port, call)
        rounds = [(await _round(token, port, call), await _round(bare, bare_port, call)) for _ in range(ROUNDS)]
        rate = max(ours.rate for (ours, _), _ in rounds)
        halves = [
            await apply_at(port, call, rate=rate / 2, seconds=HALF_LOAD_SECONDS, connections=CONNECTIONS)
            for _ in range(HALF_LOADS)
        ]
        topology = Topology(places.namespace)
        amqp = await enter(AmqpTransport.open(places.amqp_url, key, topology=topology, name="bench"))
        await _amqp_rate(amqp)
        amqp_rates = [await _amqp_rate(amqp) for _ in range(ROUNDS)]
        tokens = await enter(TokenClient.open(f"http://127.0.0.1:{port}", key))
        cached = [await _cached_us(tokens) for _ in range(ROUNDS)]
        appids = [f"wxmany{number:06}" for number in range(MANY)]
        env = _environment(places, many_port, wechat_port=bare_port, appids=appids)
        many = await enter(places.serving("wxbus_token", port=many_port, env=env))
        fetch_us = await _fetch_all_us(many, many_port, key, appids)
        idle = await _idle_percent(many)
        memory = many.memory_mib()
    return [
        Result.of("token/http-calls-per-s", "1/s", [ours.rate for (ours, _), _ in rounds]),
        Result.of("token/http-vs-bare", "ratio", [ours.rate / bare.rate for (ours, _), (bare, _) in rounds]),
        Result.of("token/http-half-load-p99-ms", "ms", [half.percentile(0.99) * 1000 for half in halves]),
        Result.of("token/cpu-us", "us/call", [cpu for (_, cpu), _ in rounds]),
        Result.of("token/bare-cpu-us", "us/call", [cpu for _, (_, cpu) in rounds]),
        Result.of("token/amqp-rate", "1/s", amqp_rates),
        Result.of("token/cached-us", "us/call", cached),
        Result.of("token/fetch-cpu-us", "us/fetch", [fetch_us]),
        Result.of("token/1000-accounts-cpu", "% of a core", [idle]),
        Result.of("token/1000-accounts-memory-mib", "MiB", [memory]),
    ]


def _environment(places: Places, port: int, *, wechat_port: int, appids: Sequence[str]) -> dict[str, str]:
    """Return the variables of an instance with these accounts."""
    accounts = places.folder / f"accounts-{port}.toml"
    accounts.write_text(
        "".join(ACCOUNT.format(name=f"a{number}", appid=appid) for number, appid in enumerate(appids)), encoding="utf-8"
    )
    return {
        **places.environment(),
        "WXBUS_ACCOUNTS_FILE": str(accounts),
        "WXBUS_WECHAT_API_URL": f"http://127.0.0.1:{wechat_port}",
        "WXBUS_TOKEN_PORT": str(port),
        "WXBUS_TOKEN_ADMIN_PORT": str(free_port()),
        "WXBUS_TOKEN_RATE_LIMIT": "0",
        "WXBUS_TOKEN_API_KEYS_FILE": str(places.folder / "keys.toml"),
        "WXBUS_TOKEN_ENCRYPTION_KEYS": new_encryption_key("bench"),
    }


def _call(key: str, appid: str) -> bytes:
    headers = ["Content-Type: application/json", f"Authorization: Bearer {key}"]
    return request("/rpc/token/get", json.dumps({"appid": appid}).encode(), headers=headers)


async def _fetch_all_us(server: Service, port: int, key: str, appids: Sequence[str]) -> float:
    """Return the CPU of one fetch under the lock: nothing is in memory or in Redis yet."""
    before = server.cpu_seconds()
    outcome = await apply(port, [_call(key, appid) for appid in appids], connections=CONNECTIONS)
    if outcome.wrong:
        raise RuntimeError(f"{outcome.wrong} of {len(appids)} tokens were not fetched")
    return (server.cpu_seconds() - before) / len(appids) * 1e6


async def _idle_percent(server: Service) -> float:
    """Return what it takes to look after the accounts when nobody asks and nothing is due."""
    before = server.cpu_seconds()
    await asyncio.sleep(IDLE_SECONDS)
    return (server.cpu_seconds() - before) / IDLE_SECONDS * 100


async def _amqp_rate(transport: AmqpTransport) -> float:
    remaining = iter(range(AMQP_CALLS))
    call = Outgoing("token", "get", "application/json", json.dumps({"appid": APPID}).encode())

    async def caller() -> None:
        for _ in remaining:
            answer = await transport.send(call, timeout=30.0)
            if answer.status != 200:
                raise RuntimeError(f"a call was refused with {answer.status}")

    began = time.perf_counter()
    async with asyncio.timeout(60.0), asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(caller())
    return AMQP_CALLS / (time.perf_counter() - began)


async def _cached_us(tokens: TokenClient) -> float:
    await tokens.get(APPID)
    began = time.perf_counter()
    for _ in range(CACHED_CALLS):
        await tokens.get(APPID)
    return (time.perf_counter() - began) / CACHED_CALLS * 1e6


async def _round(server: Service, port: int, call: bytes) -> tuple[Outcome, float]:
    before = server.cpu_seconds()
    outcome = await apply(port, [call] * CALLS, connections=CONNECTIONS)
    if outcome.wrong:
        raise RuntimeError(f"{outcome.wrong} of {CALLS} calls were refused")
    return outcome, (server.cpu_seconds() - before) / CALLS * 1e6
